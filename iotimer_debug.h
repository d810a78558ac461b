/* SPDX-License-Identifier: GPL-2.0-only */
/* iotimer_debug - the engine's files in debugfs, for iotimer_main.c */
#ifndef _IOTIMER_DEBUG_H
#define _IOTIMER_DEBUG_H

void iotimer_debug_init(void);
void iotimer_debug_exit(void);

#endif /* _IOTIMER_DEBUG_H */
