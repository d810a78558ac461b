/* SPDX-License-Identifier: GPL-2.0-only */
/* Trace events of the driver: what happens to a request, and to the device. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM sim_dev

#if !defined(_SIM_DEV_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _SIM_DEV_TRACE_H

#include <linux/device.h>
#include <linux/tracepoint.h>

#include "compat.h"
#include "sim_dev.h"
#include "sim_hw.h"

/* The event's format then has the numbers, for programs that read the format. */
TRACE_DEFINE_ENUM(SIM_DEV_IRQ_ACCEPTED);
TRACE_DEFINE_ENUM(SIM_DEV_IRQ_LATE);
TRACE_DEFINE_ENUM(SIM_DEV_IRQ_SPURIOUS);
TRACE_DEFINE_ENUM(SIM_DEV_TIMEOUT_OP);
TRACE_DEFINE_ENUM(SIM_DEV_TIMEOUT_RESET);
TRACE_DEFINE_ENUM(SIM_DEV_TIMEOUT_ABORT);

#define show_sim_dev_timeout(what)					\
	__print_symbolic(what,						\
			 { SIM_DEV_TIMEOUT_OP, "operation" },		\
			 { SIM_DEV_TIMEOUT_RESET, "reset" },		\
			 { SIM_DEV_TIMEOUT_ABORT, "abort" })

TRACE_EVENT(sim_dev_submit,
	TP_PROTO(const struct device *device, u64 request, size_t len,
		 bool nonblock, unsigned int outstanding),
	TP_ARGS(device, request, len, nonblock, outstanding),
	TP_STRUCT__entry(
		__string(dev, dev_name(device))
		__field(u64, request)
		__field(size_t, len)
		__field(bool, nonblock)
		__field(unsigned int, outstanding)
	),
	TP_fast_assign(
		compat_assign_str(dev, dev_name(device));
		__entry->request = request;
		__entry->len = len;
		__entry->nonblock = nonblock;
		__entry->outstanding = outstanding;
	),
	TP_printk("dev=%s request=%llu len=%zu nonblock=%d outstanding=%u",
		  __get_str(dev), __entry->request, __entry->len,
		  __entry->nonblock, __entry->outstanding)
);

/* An operation is started, for the first time or again. */
TRACE_EVENT(sim_dev_start_io,
	TP_PROTO(const struct device *device, u64 request,
		 unsigned int slot, u32 tag, int counter),
	TP_ARGS(device, request, slot, tag, counter),
	TP_STRUCT__entry(
		__string(dev, dev_name(device))
		__field(u64, request)
		__field(unsigned int, slot)
		__field(u32, tag)
		__field(int, counter)
	),
	TP_fast_assign(
		compat_assign_str(dev, dev_name(device));
		__entry->request = request;
		__entry->slot = slot;
		__entry->tag = tag;
		__entry->counter = counter;
	),
	TP_printk("dev=%s request=%llu tag=%u counter=%d slot=%u",
		  __get_str(dev), __entry->request, __entry->tag,
		  __entry->counter, __entry->slot)
);

TRACE_EVENT(sim_dev_interrupt,
	TP_PROTO(const struct device *device, u64 cause, enum sim_dev_irq verdict),
	TP_ARGS(device, cause, verdict),
	TP_STRUCT__entry(
		__string(dev, dev_name(device))
		__field(u32, cause)
		__field(u32, tag)
		__field(u8, slot)
		__field(unsigned int, verdict)
	),
	TP_fast_assign(
		compat_assign_str(dev, dev_name(device));
		__entry->cause = SIM_HW_CAUSE_CODE(cause);
		__entry->tag = SIM_HW_CAUSE_TAG(cause);
		__entry->slot = SIM_HW_CAUSE_SLOT(cause);
		__entry->verdict = verdict;
	),
	TP_printk("dev=%s cause=%s tag=%u verdict=%s slot=%u", __get_str(dev),
		  __print_symbolic(__entry->cause,
				   { SIM_HW_CAUSE_NONE, "none" },
				   { SIM_HW_CAUSE_DONE, "done" },
				   { SIM_HW_CAUSE_ERROR, "error" },
				   { SIM_HW_CAUSE_RESET, "reset" },
				   { SIM_HW_CAUSE_ABORT, "abort" }),
		  __entry->tag,
		  __print_symbolic(__entry->verdict,
				   { SIM_DEV_IRQ_ACCEPTED, "accepted" },
				   { SIM_DEV_IRQ_LATE, "late" },
				   { SIM_DEV_IRQ_SPURIOUS, "spurious" }),
		  __entry->slot)
);

/* A second has passed; @counter: seconds until the next time-out. */
TRACE_EVENT(sim_dev_second,
	TP_PROTO(const struct device *device, int counter),
	TP_ARGS(device, counter),
	TP_STRUCT__entry(
		__string(dev, dev_name(device))
		__field(int, counter)
	),
	TP_fast_assign(
		compat_assign_str(dev, dev_name(device));
		__entry->counter = counter;
	),
	TP_printk("dev=%s counter=%d", __get_str(dev), __entry->counter)
);

/* An operation, an abort or a reset timed out, @us after its start. */
TRACE_EVENT(sim_dev_timeout,
	TP_PROTO(const struct device *device, u64 request, unsigned int slot,
		 enum sim_dev_timeout what, s64 us),
	TP_ARGS(device, request, slot, what, us),
	TP_STRUCT__entry(
		__string(dev, dev_name(device))
		__field(u64, request)
		__field(unsigned int, slot)
		__field(unsigned int, what)
		__field(s64, us)
	),
	TP_fast_assign(
		compat_assign_str(dev, dev_name(device));
		__entry->request = request;
		__entry->slot = slot;
		__entry->what = what;
		__entry->us = us;
	),
	TP_printk("dev=%s request=%llu what=%s us=%lld slot=%u",
		  __get_str(dev), __entry->request,
		  show_sim_dev_timeout(__entry->what), __entry->us,
		  __entry->slot)
);

/* An operation, an abort or a reset is done, but its interrupt was lost. */
TRACE_EVENT(sim_dev_missed,
	TP_PROTO(const struct device *device, u64 request, unsigned int slot,
		 enum sim_dev_timeout what),
	TP_ARGS(device, request, slot, what),
	TP_STRUCT__entry(
		__string(dev, dev_name(device))
		__field(u64, request)
		__field(unsigned int, slot)
		__field(unsigned int, what)
	),
	TP_fast_assign(
		compat_assign_str(dev, dev_name(device));
		__entry->request = request;
		__entry->slot = slot;
		__entry->what = what;
	),
	TP_printk("dev=%s request=%llu what=%s slot=%u", __get_str(dev),
		  __entry->request, show_sim_dev_timeout(__entry->what),
		  __entry->slot)
);

/* An operation timed out, and the device is told to abort it. */
TRACE_EVENT(sim_dev_abort,
	TP_PROTO(const struct device *device, u64 request, unsigned int slot,
		 u32 tag),
	TP_ARGS(device, request, slot, tag),
	TP_STRUCT__entry(
		__string(dev, dev_name(device))
		__field(u64, request)
		__field(unsigned int, slot)
		__field(u32, tag)
	),
	TP_fast_assign(
		compat_assign_str(dev, dev_name(device));
		__entry->request = request;
		__entry->slot = slot;
		__entry->tag = tag;
	),
	TP_printk("dev=%s request=%llu tag=%u slot=%u", __get_str(dev),
		  __entry->request, __entry->tag, __entry->slot)
);

TRACE_EVENT(sim_dev_reset,
	TP_PROTO(const struct device *device, u64 request, int counter),
	TP_ARGS(device, request, counter),
	TP_STRUCT__entry(
		__string(dev, dev_name(device))
		__field(u64, request)
		__field(int, counter)
	),
	TP_fast_assign(
		compat_assign_str(dev, dev_name(device));
		__entry->request = request;
		__entry->counter = counter;
	),
	TP_printk("dev=%s request=%llu counter=%d", __get_str(dev),
		  __entry->request, __entry->counter)
);

/* A request is started again, and a retry is counted. */
TRACE_EVENT(sim_dev_retry,
	TP_PROTO(const struct device *device, u64 request, unsigned int slot,
		 unsigned int attempt, unsigned int max),
	TP_ARGS(device, request, slot, attempt, max),
	TP_STRUCT__entry(
		__string(dev, dev_name(device))
		__field(u64, request)
		__field(unsigned int, slot)
		__field(unsigned int, attempt)
		__field(unsigned int, max)
	),
	TP_fast_assign(
		compat_assign_str(dev, dev_name(device));
		__entry->request = request;
		__entry->slot = slot;
		__entry->attempt = attempt;
		__entry->max = max;
	),
	TP_printk("dev=%s request=%llu attempt=%u max=%u slot=%u", __get_str(dev),
		  __entry->request, __entry->attempt, __entry->max, __entry->slot)
);

/* A request is started again after a reset took its operation away; no retry is counted. */
TRACE_EVENT(sim_dev_restart,
	TP_PROTO(const struct device *device, u64 request, unsigned int slot,
		 unsigned int restarts),
	TP_ARGS(device, request, slot, restarts),
	TP_STRUCT__entry(
		__string(dev, dev_name(device))
		__field(u64, request)
		__field(unsigned int, slot)
		__field(unsigned int, restarts)
	),
	TP_fast_assign(
		compat_assign_str(dev, dev_name(device));
		__entry->request = request;
		__entry->slot = slot;
		__entry->restarts = restarts;
	),
	TP_printk("dev=%s request=%llu restarts=%u slot=%u", __get_str(dev),
		  __entry->request, __entry->restarts, __entry->slot)
);

/*
 * A request is done. @result is its length or a negative errno. @us is the time
 * since its submission, or -1 if this event was off then. The result of a
 * cancelled request is dropped.
 */
TRACE_EVENT(sim_dev_complete,
	TP_PROTO(const struct device *device, u64 request, int result, s64 us,
		 unsigned int retries, bool cancelled),
	TP_ARGS(device, request, result, us, retries, cancelled),
	TP_STRUCT__entry(
		__string(dev, dev_name(device))
		__field(u64, request)
		__field(int, result)
		__field(s64, us)
		__field(unsigned int, retries)
		__field(bool, cancelled)
	),
	TP_fast_assign(
		compat_assign_str(dev, dev_name(device));
		__entry->request = request;
		__entry->result = result;
		__entry->us = us;
		__entry->retries = retries;
		__entry->cancelled = cancelled;
	),
	TP_printk("dev=%s request=%llu result=%d us=%lld retries=%u cancelled=%d",
		  __get_str(dev), __entry->request, __entry->result,
		  __entry->us, __entry->retries, __entry->cancelled)
);

#endif /* _SIM_DEV_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE sim_dev_trace
#include <trace/define_trace.h>
