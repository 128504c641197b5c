/* SPDX-License-Identifier: 0BSD */
/* Arm MPS2 board, FPGA image AN386 (Cortex-M4). Sources: Arm DAI 0386, the CMSDK manual (DDI 0479), Armv7-M (DDI 0403). */
#ifndef TP_REGISTERS_H
#define TP_REGISTERS_H

#include <stdint.h>

#define BIT(n) (1UL << (n))
#define REGISTER(address) (*(volatile uint32_t *)(address))

/* CMSDK APB UART 0. */
#define UART0_DATA REGISTER(0x40004000UL)
#define UART0_STATE REGISTER(0x40004004UL)
#define UART0_CTRL REGISTER(0x40004008UL)
#define UART0_INTCLEAR REGISTER(0x4000400CUL)
#define UART0_BAUDDIV REGISTER(0x40004010UL)
#define UART_STATE_TX_FULL BIT(0)
#define UART_STATE_RX_FULL BIT(1)
#define UART_STATE_RX_OVERRUN BIT(3)
#define UART_CTRL_TX BIT(0)
#define UART_CTRL_RX BIT(1)
#define UART_CTRL_RX_INTERRUPT BIT(3)
#define UART_INT_RX BIT(1)
#define IRQ_UART0_RX 0U

/* CMSDK dual timer, first half: counts down from LOAD and starts anew. */
#define TIMER1_LOAD REGISTER(0x40002000UL)
#define TIMER1_VALUE REGISTER(0x40002004UL)
#define TIMER1_CONTROL REGISTER(0x40002008UL)
#define TIMER1_INTCLEAR REGISTER(0x4000200CUL)
#define TIMER1_RAW_STATUS REGISTER(0x40002010UL)
#define TIMER_CONTROL_32_BIT BIT(1)
#define TIMER_CONTROL_DIV_16 BIT(2)
#define TIMER_CONTROL_INTERRUPT BIT(5)
#define TIMER_CONTROL_PERIODIC BIT(6)
#define TIMER_CONTROL_ENABLE BIT(7)

/* FPGA system control: the two user LEDs; LED 0 stands in for a timestamp pin. */
#define FPGAIO_LED REGISTER(0x40028000UL)

/* System control space. */
#define NVIC_ISER0 REGISTER(0xE000E100UL)
#define NVIC_ICPR0 REGISTER(0xE000E280UL)
#define SCB_VTOR REGISTER(0xE000ED08UL)
#define SCB_CFSR REGISTER(0xE000ED28UL)
#define SCB_CPACR REGISTER(0xE000ED88UL)
#define SCB_CPACR_FPU (15UL << 20U)

void tp_reset(void) __attribute__((noreturn));
void tp_fault(const uint32_t *frame) __attribute__((noreturn, used));
int main(void);

#endif
