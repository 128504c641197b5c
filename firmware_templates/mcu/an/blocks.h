/* SPDX-License-Identifier: 0BSD */
/* What Arm's FPGA images for the MPS2 and MPS3 boards share, as QEMU plays them: a CMSDK UART (Arm DDI 0479) and FPGA
 * system control (Arm DAI 0386, 0505, 0547). registers.h of an image says where they are. */
#ifndef BLOCKS_H
#define BLOCKS_H

#include "cortexm.h"

#define UART0_DATA REG(UART0_BASE)
#define UART0_STATE REG(UART0_BASE + 0x4U)
#define UART0_CTRL REG(UART0_BASE + 0x8U)
#define UART0_INTCLEAR REG(UART0_BASE + 0xCU)
#define UART0_BAUDDIV REG(UART0_BASE + 0x10U)
#define UART_STATE_TX_FULL BIT(0)
#define UART_STATE_RX_FULL BIT(1)
#define UART_STATE_RX_OVERRUN BIT(3)
#define UART_CTRL_TX BIT(0)
#define UART_CTRL_RX BIT(1)
#define UART_CTRL_RX_INTERRUPT BIT(3)
#define UART_INT_RX BIT(1)

/* LED 0 stands in for a timestamp pin. COUNTER counts up each PRESCALE + 1 cycles of its clock: FPGAIO_HZ where that is
 * not the core's. */
#ifndef FPGAIO_HZ
#define FPGAIO_HZ TP_CLOCK_HZ
#endif
#define FPGAIO_LED REG(FPGAIO_BASE)
#define FPGAIO_COUNTER REG(FPGAIO_BASE + 0x18U)
#define FPGAIO_PRESCALE REG(FPGAIO_BASE + 0x1CU)

#endif
