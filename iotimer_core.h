/* SPDX-License-Identifier: GPL-2.0-only */
/* iotimer_core - what iotimer_main.c uses of the engine */
#ifndef _IOTIMER_CORE_H
#define _IOTIMER_CORE_H

/* Time in us after which a walk pauses; see the module parameter budget_us. */
extern unsigned int iotimer_budget_us;

void iotimer_core_init(void);
void iotimer_core_exit(void);

#endif /* _IOTIMER_CORE_H */
