/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * queue_hw - the device that queue.c drives: 32 slots and a completion queue
 *
 * An operation turns the letters of a buffer into capitals, in place, by DMA. The
 * device does up to QUEUE_HW_SLOTS operations at a time and ends them in any order.
 * At the end of each operation, abort and reset it puts a completion into its
 * queue and interrupts.
 */
#ifndef _QUEUE_HW_H
#define _QUEUE_HW_H

#include <linux/types.h>

#define QUEUE_HW_SLOTS			32
#define QUEUE_HW_MAX_COMPLETIONS	256	/* that wait to be read */

/* Registers, of 64 bits, read-only. */
#define QUEUE_HW_COMPLETION		0	/* a read takes the first; 0: none waits */
#define QUEUE_HW_GENERATION(slot)	(1 + (slot))	/* of the last start in this slot */

/* What each register reads as when the device is gone, or has no power. */
#define QUEUE_HW_ALL_ONES		(~0ULL)

/* A completion */
#define QUEUE_HW_CODE(completion)	((u8)(completion))	/* one of these: */
#define QUEUE_HW_DONE			1	/* the operation is done */
#define QUEUE_HW_ERROR			2	/* the operation ended with an error */
#define QUEUE_HW_ABORTED		3	/* the abort is done, and so is the operation */
#define QUEUE_HW_RESET			4	/* the reset is done; slot and generation are 0 */
#define QUEUE_HW_SLOT(completion)	((u8)((completion) >> 8))
#define QUEUE_HW_TAG(completion)	((u32)((completion) >> 32))	/* the generation */

u64 queue_hw_read(unsigned int reg);
void queue_hw_start(unsigned int slot, u32 generation, void *data, size_t len);
void queue_hw_abort(unsigned int slot, u32 generation);
void queue_hw_reset(void);
void queue_hw_set_master(bool on);
void queue_hw_unmap(unsigned int slot);

#endif /* _QUEUE_HW_H */
