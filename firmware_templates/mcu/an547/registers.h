/* SPDX-License-Identifier: 0BSD */
/* Arm MPS3, FPGA image AN547 (Cortex-M55): Arm DAI 0547; by the addresses of the secure state, in which it starts. */
#ifndef TP_REGISTERS_H
#define TP_REGISTERS_H

#define UART0_BASE 0x59303000U
#define IRQ_UART0_RX 33U
#define FPGAIO_BASE 0x59302000U
/* What QEMU's counter goes by, whatever the image's clock is. */
#define FPGAIO_HZ 20000000U

#include "blocks.h"

#endif
