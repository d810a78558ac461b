/* SPDX-License-Identifier: GPL-2.0-only */
/* Trace events of the engine */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iotimer

#if !defined(_IOTIMER_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _IOTIMER_TRACE_H

#include <linux/device.h>
#include <linux/tracepoint.h>

#include "compat.h"
#include "iotimer.h"

DECLARE_EVENT_CLASS(iotimer_fn,
	TP_PROTO(const struct device *device, iotimer_fn_t fn),
	TP_ARGS(device, fn),
	TP_STRUCT__entry(
		__string(dev, dev_name(device))
		__field(void *, fn)
	),
	TP_fast_assign(
		compat_assign_str(dev, dev_name(device));
		__entry->fn = fn;
	),
	TP_printk("dev=%s fn=%ps", __get_str(dev), __entry->fn)
);

DEFINE_EVENT(iotimer_fn, iotimer_create,
	TP_PROTO(const struct device *device, iotimer_fn_t fn),
	TP_ARGS(device, fn));

/* Before and after each call of a routine */
DEFINE_EVENT(iotimer_fn, iotimer_expire_entry,
	TP_PROTO(const struct device *device, iotimer_fn_t fn),
	TP_ARGS(device, fn));

DEFINE_EVENT(iotimer_fn, iotimer_expire_exit,
	TP_PROTO(const struct device *device, iotimer_fn_t fn),
	TP_ARGS(device, fn));

TRACE_EVENT(iotimer_destroy,
	TP_PROTO(const struct device *device),
	TP_ARGS(device),
	TP_STRUCT__entry(
		__string(dev, dev_name(device))
	),
	TP_fast_assign(
		compat_assign_str(dev, dev_name(device));
	),
	TP_printk("dev=%s", __get_str(dev))
);

/* A start or a stop, but not the stop in iotimer_destroy(), which has its own event. */
DECLARE_EVENT_CLASS(iotimer_switch,
	TP_PROTO(const struct device *device, bool was_enabled),
	TP_ARGS(device, was_enabled),
	TP_STRUCT__entry(
		__string(dev, dev_name(device))
		__field(bool, was_enabled)
	),
	TP_fast_assign(
		compat_assign_str(dev, dev_name(device));
		__entry->was_enabled = was_enabled;
	),
	TP_printk("dev=%s was_enabled=%d", __get_str(dev), __entry->was_enabled)
);

DEFINE_EVENT(iotimer_switch, iotimer_start,
	TP_PROTO(const struct device *device, bool was_enabled),
	TP_ARGS(device, was_enabled));

DEFINE_EVENT(iotimer_switch, iotimer_stop,
	TP_PROTO(const struct device *device, bool was_enabled),
	TP_ARGS(device, was_enabled));

/*
 * The end of a tick:
 * @calls: routines called
 * @ns: time that the steps of the walk took, without the pauses
 * @steps: one, and one more for each pause
 * @late: jiffies from the tick's point on the grid to its beginning
 * @missed: ticks skipped before it
 */
TRACE_EVENT(iotimer_tick,
	TP_PROTO(unsigned long calls, u64 ns, unsigned int steps,
		 unsigned long late, unsigned long missed),
	TP_ARGS(calls, ns, steps, late, missed),
	TP_STRUCT__entry(
		__field(unsigned long, calls)
		__field(u64, ns)
		__field(unsigned int, steps)
		__field(unsigned long, late)
		__field(unsigned long, missed)
	),
	TP_fast_assign(
		__entry->calls = calls;
		__entry->ns = ns;
		__entry->steps = steps;
		__entry->late = late;
		__entry->missed = missed;
	),
	TP_printk("calls=%lu ns=%llu steps=%u late=%lu missed=%lu",
		  __entry->calls, __entry->ns, __entry->steps, __entry->late,
		  __entry->missed)
);

/* A step of a walk took @ns and used up the budget: the walk pauses. */
TRACE_EVENT(iotimer_pause,
	TP_PROTO(u64 ns),
	TP_ARGS(ns),
	TP_STRUCT__entry(
		__field(u64, ns)
	),
	TP_fast_assign(
		__entry->ns = ns;
	),
	TP_printk("ns=%llu", __entry->ns)
);

/* Ticks were skipped because the previous tick took too long or the CPU was late. */
TRACE_EVENT(iotimer_overrun,
	TP_PROTO(unsigned long missed),
	TP_ARGS(missed),
	TP_STRUCT__entry(
		__field(unsigned long, missed)
	),
	TP_fast_assign(
		__entry->missed = missed;
	),
	TP_printk("missed=%lu", __entry->missed)
);

#endif /* _IOTIMER_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE iotimer_trace
#include <trace/define_trace.h>
