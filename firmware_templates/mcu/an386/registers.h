/* SPDX-License-Identifier: 0BSD */
/* Arm MPS2 board, FPGA image AN386 (Cortex-M4). Sources: Arm DAI 0386, the CMSDK manual (DDI 0479). */
#ifndef TP_REGISTERS_H
#define TP_REGISTERS_H

#include "cortexm.h"

/* CMSDK APB UART 0. */
#define UART0_DATA REG(0x40004000UL)
#define UART0_STATE REG(0x40004004UL)
#define UART0_CTRL REG(0x40004008UL)
#define UART0_INTCLEAR REG(0x4000400CUL)
#define UART0_BAUDDIV REG(0x40004010UL)
#define UART_STATE_TX_FULL BIT(0)
#define UART_STATE_RX_FULL BIT(1)
#define UART_STATE_RX_OVERRUN BIT(3)
#define UART_CTRL_TX BIT(0)
#define UART_CTRL_RX BIT(1)
#define UART_CTRL_RX_INTERRUPT BIT(3)
#define UART_INT_RX BIT(1)
#define IRQ_UART0_RX 0U

/* CMSDK dual timer, first half: counts down from LOAD and starts anew. */
#define TIMER1_LOAD REG(0x40002000UL)
#define TIMER1_VALUE REG(0x40002004UL)
#define TIMER1_CONTROL REG(0x40002008UL)
#define TIMER1_INTCLEAR REG(0x4000200CUL)
#define TIMER1_RAW_STATUS REG(0x40002010UL)
#define TIMER_CONTROL_32_BIT BIT(1)
#define TIMER_CONTROL_DIV_16 BIT(2)
#define TIMER_CONTROL_INTERRUPT BIT(5)
#define TIMER_CONTROL_PERIODIC BIT(6)
#define TIMER_CONTROL_ENABLE BIT(7)

/* FPGA system control: the two user LEDs; LED 0 stands in for a timestamp pin. */
#define FPGAIO_LED REG(0x40028000UL)

#endif
