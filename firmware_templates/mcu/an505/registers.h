/* SPDX-License-Identifier: 0BSD */
/* Arm MPS2, FPGA image AN505 (Cortex-M33): Arm DAI 0505; by the addresses of the secure state, in which it starts. */
#ifndef TP_REGISTERS_H
#define TP_REGISTERS_H

#define UART0_BASE 0x50200000U
#define IRQ_UART0_RX 32U
#define FPGAIO_BASE 0x50302000U

#include "blocks.h"

#endif
