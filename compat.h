/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What changed its name between the kernels that this builds on, 6.1 to 7.2:
 * the newest name, made from the older ones.
 */
#ifndef _IOTIMER_COMPAT_H
#define _IOTIMER_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/lockdep.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void
hrtimer_setup(struct hrtimer *timer,
	      enum hrtimer_restart (*function)(struct hrtimer *),
	      clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}

static inline void
hrtimer_setup_on_stack(struct hrtimer *timer,
		       enum hrtimer_restart (*function)(struct hrtimer *),
		       clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init_on_stack(timer, clock, mode);
	timer->function = function;
}
#endif

/* In a trace event: fill in the __string() @dst, which was made of @src. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define compat_assign_str(dst, src)	__assign_str(dst, src)
#else
#define compat_assign_str(dst, src)	__assign_str(dst)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define copy_splice_read	generic_file_splice_read
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define WQ_PERCPU	0	/* what is not WQ_UNBOUND */
#endif

/* Since 6.12; before, lockdep takes such a lock for another kind of lock on PREEMPT_RT. */
#ifndef lockdep_set_notrack_class
#define lockdep_set_notrack_class	lockdep_set_novalidate_class
#endif

#endif /* _IOTIMER_COMPAT_H */
