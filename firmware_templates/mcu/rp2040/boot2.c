/* SPDX-License-Identifier: 0BSD */
/* What the RP2040's boot ROM copies from the start of flash, checks and runs: it makes a W25Q flash (as on the Pico)
 * readable as memory, four lines wide, without a command for each read, and starts the program behind itself. The flash
 * must come with its quad lines enabled, as those called "IQ" do. RP2040 datasheet, 2.8.1.3 and 4.10; W25Q16JV
 * datasheet, 8.2.12.
 *
 * As words, so that no step has to put the checksum in; a test assembles the text and compares.
 *
 *    ldr   r3, =0x18000000   @ SSI
 *    movs  r1, #0
 *    str   r1, [r3, #0x08]   @ SSIENR: off, to be set up
 *    ldr   r2, =0x40020000   @ PADS_QSPI
 *    movs  r0, #0x21
 *    str   r0, [r2, #0x04]   @ SCLK: 8 mA, fast
 *    ldr   r0, [r2, #0x08]
 *    movs  r1, #2
 *    bics  r0, r1            @ SD0 to SD3: no Schmitt trigger
 *    str   r0, [r2, #0x08]
 *    str   r0, [r2, #0x0c]
 *    str   r0, [r2, #0x10]
 *    str   r0, [r2, #0x14]
 *    str   r1, [r3, #0x14]   @ BAUDR: half of the system clock
 *    movs  r2, #0xf0
 *    adds  r2, r3
 *    movs  r1, #1
 *    str   r1, [r2]          @ RX_SAMPLE_DLY
 *    ldr   r0, =0x005f0300
 *    str   r0, [r3]          @ CTRLR0: quad, frames of 32 bits, send then receive
 *    movs  r0, #0
 *    str   r0, [r3, #0x04]   @ CTRLR1: one frame
 *    ldr   r0, =0x00002221
 *    str   r0, [r2, #0x04]   @ SPI_CTRLR0: 8 bits of command on one line, 32 of address on four, 4 clocks of waiting
 *    str   r1, [r3, #0x08]   @ on
 *    movs  r0, #0xeb
 *    str   r0, [r3, #0x60]   @ DR0: fast read quad I/O
 *    movs  r0, #0xa0
 *    str   r0, [r3, #0x60]   @ address 0; the mode that lets the next read go without a command
 *1:  ldr   r0, [r3, #0x28]   @ SR
 *    movs  r1, #5
 *    ands  r0, r1
 *    cmp   r0, #4
 *    bne   1b                @ all sent, and idle
 *    movs  r1, #0
 *    str   r1, [r3, #0x08]   @ off
 *    ldr   r0, =0xa0002022
 *    str   r0, [r2, #0x04]   @ SPI_CTRLR0: the mode behind the address, both on four lines, no command
 *    movs  r1, #1
 *    str   r1, [r3, #0x08]   @ on: flash is memory
 *    ldr   r0, =0x10000100   @ the vector table
 *    ldr   r1, =0xe000ed08
 *    str   r0, [r1]          @ VTOR
 *    ldmia r0!, {r1, r2}
 *    msr   msp, r1
 *    bx    r2
 */
#include <stdint.h>

const uint32_t tp_boot2[64] __attribute__((section(".boot2"), used)) = {
    0x21004b17U, 0x4a176099U, 0x60502021U, 0x21026890U, 0x60904388U, 0x611060d0U,
    0x61596150U, 0x18d222f0U, 0x60112101U, 0x60184810U, 0x60582000U, 0x6050480fU,
    0x20eb6099U, 0x20a06618U, 0x6a986618U, 0x40082105U, 0xd1fa2804U, 0x60992100U,
    0x60504809U, 0x60992101U, 0x49094808U, 0xc8066008U, 0x8808f381U, 0x00004710U,
    0x18000000U, 0x40020000U, 0x005f0300U, 0x00002221U, 0xa0002022U, 0x10000100U,
    0xe000ed08U,
    [63] = 0x922bda48U, /* CRC-32, polynomial 0x04c11db7, nothing reflected or inverted */
};
