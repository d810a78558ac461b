/* SPDX-License-Identifier: GPL-2.0-only */
/* iotimer_core - what iotimer_main.c knows of the tick */
#ifndef _IOTIMER_CORE_H
#define _IOTIMER_CORE_H

/* Longest time in us that the tick holds the softirq; see iotimer_main.c. */
extern unsigned int iotimer_budget_us;

void iotimer_core_init(void);
void iotimer_core_exit(void);

#endif /* _IOTIMER_CORE_H */
