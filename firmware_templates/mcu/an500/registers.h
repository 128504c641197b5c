/* SPDX-License-Identifier: 0BSD */
/* Arm MPS2, FPGA image AN500 (Cortex-M7): Arm DAI 0500. */
#ifndef TP_REGISTERS_H
#define TP_REGISTERS_H

#define UART0_BASE 0x40004000U
#define IRQ_UART0_RX 0U
#define FPGAIO_BASE 0x40028000U

#include "blocks.h"

#endif
