/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions, macros and enums by their newest names, for the kernels in which
 * they have older ones. The modules build for 6.1 to 7.2.
 *
 * Kernel versions are not compared, because an enterprise kernel has an old
 * version and newer functions. Macros are tested with #ifdef. For functions and
 * enums, Kbuild defines HAVE_name if the kernel's headers declare the name.
 */
#ifndef _IOTIMER_COMPAT_H
#define _IOTIMER_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/lockdep.h>

#ifndef HAVE_hrtimer_setup		/* since 6.13 */
static inline void
hrtimer_setup(struct hrtimer *timer,
	      enum hrtimer_restart (*function)(struct hrtimer *),
	      clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

#ifndef HAVE_hrtimer_setup_on_stack	/* since 6.13 */
static inline void
hrtimer_setup_on_stack(struct hrtimer *timer,
		       enum hrtimer_restart (*function)(struct hrtimer *),
		       clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init_on_stack(timer, clock, mode);
	timer->function = function;
}
#endif

#ifndef HAVE_copy_splice_read		/* since 6.5 */
#define copy_splice_read	generic_file_splice_read
#endif

#ifndef HAVE_WQ_PERCPU			/* since 6.17 */
#define WQ_PERCPU	0	/* the default without WQ_UNBOUND */
#endif

/*
 * For trace events, instead of __assign_str(), which lost its second argument in
 * 6.10: the preprocessor cannot tell how many arguments a macro takes.
 */
#define compat_assign_str(dst, src) \
	strscpy(__get_str(dst), (src) ?: "(null)", __get_dynamic_array_len(dst))

/*
 * Since 6.12. The substitute has the wait type of a mutex, about which lockdep
 * may complain on PREEMPT_RT.
 */
#ifndef lockdep_set_notrack_class
#define lockdep_set_notrack_class	lockdep_set_novalidate_class
#endif

#endif /* _IOTIMER_COMPAT_H */
