/* SPDX-License-Identifier: 0BSD */
/* Arm MPS2, FPGA image AN386 (Cortex-M4): Arm DAI 0386. */
#ifndef TP_REGISTERS_H
#define TP_REGISTERS_H

#define UART0_BASE 0x40004000U
#define IRQ_UART0_RX 0U
#define FPGAIO_BASE 0x40028000U

#include "blocks.h"

#endif
