/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sim_dev - what the files of sim_dev.ko share
 *
 *	sim_main.c	parameters, and the devices that the module makes
 *	sim_configfs.c	devices at run time, in a module of its own that uses sim_main.h
 *	sim_dev.c	the driver: starts requests, times them out, resets, retries
 *	sim_bind.c	binds the driver to a device: memory, nodes, power
 *	sim_log.c	the driver's log lines
 *	sim_client.c	the interface to other drivers, in sim_client.h
 *	sim_file.c	the data node: submits requests and keeps their results
 *	sim_ctl.c	the control node and the attributes
 *	sim_hw.c	the hardware model; it has headers of its own, as the next two
 *	sim_events.c	what the hardware model will signal, and when
 *	sim_rules.c	which operations, resets and aborts a fault strikes
 *
 * One lock for each device, sim_dev.lock, protects the device, its requests and
 * its open files.
 */
#ifndef _SIM_DEV_H
#define _SIM_DEV_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/irqreturn.h>
#include <linux/kref.h>
#include <linux/kstrtox.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "io_recovery.h"
#include "sim_client.h"
#include "sim_hw.h"

/* The name of the driver, its class, devices and nodes; a test's copy has another. */
#ifndef SIM_DEV_NAME
#define SIM_DEV_NAME	"sim_dev"
#endif

/* At most this many devices at a time, numbered from 0. */
#define SIM_DEV_MAX_DEVICES	1024

struct iotimer;
struct platform_device;

/**
 * struct sim_dev_param - a module parameter with its range
 * @value: its value; the first member, for param_set_uint_minmax()
 * @min: smallest value
 * @max: largest value
 */
struct sim_dev_param {
	unsigned int value;
	unsigned int min;
	unsigned int max;
};

/**
 * sim_dev_parse_param - parse a number that is in a parameter's range
 * @text: the number, decimal
 * @param: the parameter, which does not change
 * @value: where to put the number
 *
 * Return: 0; -EINVAL if it is no number, or negative; -ERANGE if it is out of range.
 */
static inline int sim_dev_parse_param(const char *text,
				      const struct sim_dev_param *param,
				      unsigned int *value)
{
	int err = kstrtouint(text, 10, value);

	if (err)
		return err;
	return *value < param->min || *value > param->max ? -ERANGE : 0;
}

/**
 * struct sim_dev_settings - what a device is made with
 * @slots: operations it does at a time
 * @timeout: seconds an operation may take
 * @abort_timeout: seconds an abort may take; 0 if the device cannot abort
 * @reset_timeout: seconds a reset may take
 * @max_retries: retries of a request that timed out
 * @latency_ms: milliseconds an operation, an abort or a reset takes
 * @queue_depth: requests it holds at most; @slots, if that is more
 */
struct sim_dev_settings {
	struct sim_dev_param slots;
	struct sim_dev_param timeout;
	struct sim_dev_param abort_timeout;
	struct sim_dev_param reset_timeout;
	struct sim_dev_param max_retries;
	struct sim_dev_param latency_ms;
	struct sim_dev_param queue_depth;
};

/* The module parameters. */
extern struct sim_dev_settings sim_dev_defaults;

/**
 * struct sim_dev_data - platform data of a device
 * @hw: its hardware model
 * @settings: what its driver begins with whenever it binds; must not change
 */
struct sim_dev_data {
	struct sim_hw *hw;
	const struct sim_dev_settings *settings;
};

/**
 * enum sim_dev_irq - what the handler makes of an interrupt
 * @SIM_DEV_IRQ_ACCEPTED: an outstanding operation, abort or reset is done
 * @SIM_DEV_IRQ_LATE: it belongs to an operation or abort that is no longer
 *	outstanding
 * @SIM_DEV_IRQ_SPURIOUS: it has no cause, or belongs to a reset that is not
 *	outstanding
 */
enum sim_dev_irq {
	SIM_DEV_IRQ_ACCEPTED,
	SIM_DEV_IRQ_LATE,
	SIM_DEV_IRQ_SPURIOUS,
};

/**
 * enum sim_dev_timeout - what timed out, or whose interrupt was lost
 * @SIM_DEV_TIMEOUT_OP: an operation
 * @SIM_DEV_TIMEOUT_RESET: a reset
 * @SIM_DEV_TIMEOUT_ABORT: an abort
 */
enum sim_dev_timeout {
	SIM_DEV_TIMEOUT_OP,
	SIM_DEV_TIMEOUT_RESET,
	SIM_DEV_TIMEOUT_ABORT,
};

/**
 * struct sim_dev_stats - what happened since the device was bound
 * @submitted: requests taken; always the sum of @completed, @failed,
 *	@cancelled and those outstanding
 * @completed: requests that succeeded
 * @failed: requests that ended with EIO, ETIMEDOUT or ENODEV
 * @cancelled: requests cancelled by a signal, by closing their file, or by another
 *	driver
 * @timeouts: operations that timed out
 * @resets: resets that were started
 * @reset_failures: resets that timed out
 * @retries: operations started again because they had timed out, or because
 *	resets had taken their requests' operations away too often
 * @aborts: aborts that were started
 * @innocent: operations started again after a reset had taken them away; these
 *	had not timed out, and no retry was counted
 * @late: interrupts counted as SIM_DEV_IRQ_LATE
 * @spurious: interrupts counted as SIM_DEV_IRQ_SPURIOUS
 * @missed: operations, aborts and resets that the device had ended, but whose
 *	interrupt was lost. The driver found out by polling, just before they would
 *	have timed out, or before suspend
 */
struct sim_dev_stats {
	u64 submitted;
	u64 completed;
	u64 failed;
	u64 cancelled;
	u64 timeouts;
	u64 resets;
	u64 reset_failures;
	u64 retries;
	u64 aborts;
	u64 innocent;
	u64 late;
	u64 spurious;
	u64 missed;
};

/**
 * struct sim_slot - an operation that the device does, or has done
 * @entry: entry in sim_dev.busy, in the order of the requests' numbers
 * @next_free: if the slot is free: the next free slot, or NULL
 * @ended: entry in sim_dev.ended, from the interrupt until the thread has
 *	handled it
 * @request: the request that the operation is for; NULL if the slot is free
 * @tag: the operation's tag: its generation in io_recovery's terms
 * @started: when the operation or its abort was started
 * @timed_out: the operation has timed out
 * @aborting: its abort is under way
 * @aborted: its abort is done
 * @missed: its interrupt was lost
 * @error: the operation ended with an error
 * @len: bytes that the operation looped back
 *
 * While the driver is suspended, a request stays in its slot although the device
 * does nothing.
 */
struct sim_slot {
	union {
		struct list_head entry;
		struct sim_slot *next_free;
	};
	struct list_head ended;
	struct sim_request *request;
	u32 tag;
	ktime_t started;
	bool timed_out;
	bool aborting;
	bool aborted;
	bool missed;
	bool error;
	unsigned int len;
};

/**
 * struct sim_node - a node in /dev
 * @dev: its device, which holds a reference to the struct sim_dev
 * @cdev: its character device, a child of @dev
 */
struct sim_node {
	struct device dev;
	struct cdev cdev;
};

/**
 * struct sim_watcher - is woken when a full queue has room again, and when the
 *	device is gone
 * @node: entry in sim_dev.watchers
 * @wait: what is woken
 */
struct sim_watcher {
	struct list_head node;
	wait_queue_head_t wait;
};

/**
 * struct sim_dev_limits - seconds until something times out
 * @op: an operation
 * @abort: an abort; 0 if the device cannot abort
 * @reset: a reset
 */
struct sim_dev_limits {
	unsigned int op;
	unsigned int abort;
	unsigned int reset;
};

/**
 * struct sim_dev - a device, from probe until it is unbound and all files closed
 * @ref: the driver holds one reference while bound, each node another until the
 *	last file of it is closed, and each struct sim_client one
 * @dev: the platform device; only used while bound
 * @irq: its interrupt
 * @hw: the hardware model, to which this structure holds a reference
 * @timer: enabled while something is outstanding
 * @gone: the driver was unbound: nothing is outstanding, and no request is
 *	accepted. Written under @lock, and also read without it, by system calls
 *	that fail early
 * @data_node: /dev/sim_devN
 * @ctl_node: /dev/sim_devN_ctl
 * @lock: protects @gone, all that follows, and all requests and files; the
 *	interrupt handler takes it
 * @closed: true from suspend to resume: no operation is started
 * @off: the device has no power, or is about to lose it: the handler and the
 *	watchdog touch no register. Only a thread that suspend waits for still does
 * @recovery: the time-outs of operations, aborts and resets
 * @limits: seconds they may take; sysfs also reads these without @lock
 * @busy: the slots with a request, in the order of the requests' numbers
 * @free: the first free slot, linked by @next_free; NULL if there is none
 * @ended: slots whose interrupt came, and which the thread has not handled yet
 * @reset_started: when the last reset was started
 * @reset_missed: the last reset's interrupt was lost
 * @resuming: the last reset was started by resume, not by a time-out
 * @failed: a reset timed out, and @failed_work has not handled that yet
 * @failed_work: fails all requests in slots after a reset timed out (CustomDpc)
 * @queue: requests that wait for a slot
 * @done: requests that are done, for sim_dev_unlock() to tell their submitters
 * @watchers: the open data nodes
 * @outstanding: requests in slots and @queue
 * @depth: how many may be outstanding
 * @max_retries: how often a request may be retried
 * @stats: counters
 * @room: wait queue, woken when @outstanding falls, when the device becomes
 *	idle in suspend, and when it is gone
 * @nr_slots: how many slots there are
 * @slots: the slots
 */
struct sim_dev {
	struct kref ref;
	struct device *dev;
	int irq;
	struct sim_hw *hw;
	struct iotimer *timer;
	bool gone;
	struct sim_node data_node;
	struct sim_node ctl_node;

	spinlock_t lock;	/* protects gone, all below, requests and files */
	bool closed;
	bool off;
	struct io_recovery *recovery;
	struct sim_dev_limits limits;
	struct list_head busy;
	struct sim_slot *free;
	struct list_head ended;
	ktime_t reset_started;
	bool reset_missed;
	bool resuming;
	bool failed;
	struct work_struct failed_work;
	struct list_head queue;
	struct list_head done;
	struct list_head watchers;
	unsigned int outstanding;
	unsigned int depth;
	unsigned int max_retries;
	struct sim_dev_stats stats;
	wait_queue_head_t room;
	unsigned int nr_slots;
	struct sim_slot slots[];
};

/**
 * enum sim_report - which log line to write
 * @SIM_REPORT_DONE_MISSED: the operation is done, but its interrupt was lost
 * @SIM_REPORT_RESET_MISSED: the reset is done, but its interrupt was lost
 * @SIM_REPORT_ABORT: the operation timed out and is aborted
 * @SIM_REPORT_TIMED_OUT: the operation timed out, the device is being reset
 * @SIM_REPORT_ABORT_TIMED_OUT: its abort timed out too, the device is being reset
 * @SIM_REPORT_RESTART: the reset is done, a request that had not timed out
 *	starts over
 * @SIM_REPORT_RETRY: the abort or reset is done, the request is retried
 * @SIM_REPORT_USED_UP: the abort or reset is done, the request fails
 * @SIM_REPORT_CANCELLED: the abort or reset is done, the request was cancelled
 * @SIM_REPORT_RESET_FAILED: the reset timed out, the request fails
 * @SIM_REPORT_RESET_FAILED_CANCELLED: the reset timed out, the request was
 *	cancelled
 * @SIM_REPORT_RESET_FAILED_IDLE: the reset timed out, there was no request
 */
enum sim_report {
	SIM_REPORT_DONE_MISSED,
	SIM_REPORT_RESET_MISSED,
	SIM_REPORT_ABORT,
	SIM_REPORT_TIMED_OUT,
	SIM_REPORT_ABORT_TIMED_OUT,
	SIM_REPORT_RESTART,
	SIM_REPORT_RETRY,
	SIM_REPORT_USED_UP,
	SIM_REPORT_CANCELLED,
	SIM_REPORT_RESET_FAILED,
	SIM_REPORT_RESET_FAILED_CANCELLED,
	SIM_REPORT_RESET_FAILED_IDLE,
};

/* More reports in one hold of the lock are only counted; printk would drop them too. */
#define SIM_DEV_MAX_REPORTS	8

/**
 * struct sim_dev_report - what to log once the lock is dropped
 * @what: which line
 * @aborted: an abort is done, not a reset
 * @slot: the slot
 * @request: its request's number; 0 if there is none
 * @ms: how long the operation, the abort or the reset took
 * @retries: how often the request was retried
 * @max_retries: how often it may be retried
 */
struct sim_dev_report {
	enum sim_report what;
	bool aborted;
	unsigned int slot;
	u64 request;
	unsigned int ms;
	unsigned int retries;
	unsigned int max_retries;
};

/**
 * struct sim_dev_reports - the reports of one hold of the lock
 * @nr: how many; SIM_DEV_MAX_REPORTS of them are kept
 * @report: the reports
 */
struct sim_dev_reports {
	unsigned int nr;
	struct sim_dev_report report[SIM_DEV_MAX_REPORTS];
};

/* Caller of these holds the lock. */

static inline unsigned int sim_slot_nr(const struct sim_dev *sim,
				       const struct sim_slot *slot)
{
	return slot - sim->slots;
}

/* Microseconds since the operation or its abort was started. */
static inline s64 sim_slot_age(const struct sim_slot *slot)
{
	return ktime_us_delta(ktime_get(), slot->started);
}

/* Microseconds since the reset was started. */
static inline s64 sim_dev_reset_age(const struct sim_dev *sim)
{
	return ktime_us_delta(ktime_get(), sim->reset_started);
}

/* Wake all on a wait queue. The caller has changed what they wait for. */
static inline void sim_dev_wake(struct wait_queue_head *wait)
{
	/*
	 * No barrier is needed: waiters put themselves on the queue before they
	 * check the condition under the lock. A waiter that is not on the queue
	 * yet will see the change. sim_ctl_poll() checks without the lock, but
	 * waits for unbinding only, and sim_dev_shut_down() always wakes it.
	 */
	if (waitqueue_active(wait))
		wake_up(wait);
}

/* sim_bind.c */
struct sim_dev *sim_dev_get(unsigned int number);
void sim_dev_put(struct sim_dev *sim);
int sim_dev_register_driver(void);
void sim_dev_unregister_driver(void);
int sim_dev_bind(struct platform_device *pdev);

/* sim_dev.c: for sim_bind.c */
irqreturn_t sim_dev_isr(int irq, void *data);
irqreturn_t sim_dev_thread(int irq, void *data);
void sim_dev_watchdog(struct device *dev, void *context);
void sim_dev_failed(struct work_struct *work);
void sim_dev_drain(struct sim_dev *sim);
void sim_dev_quiesce(struct sim_dev *sim);
void sim_dev_restore(struct sim_dev *sim);
void sim_dev_halt(struct sim_dev *sim);
void sim_dev_shut_down(struct sim_dev *sim);

/* sim_dev.c: for those that submit requests */
void sim_dev_set_limits(struct sim_dev *sim);
int sim_dev_admit(const struct sim_dev *sim);
void sim_dev_queue(struct sim_dev *sim, struct sim_request *req, bool nonblock);
bool sim_dev_cancel(struct sim_dev *sim, struct sim_request *req);
void sim_dev_unlock(struct sim_dev *sim, unsigned long flags)
	__releases(&sim->lock);

/* sim_client.c */
void sim_client_end(struct sim_client *client);

/* sim_log.c */
void sim_log_slot(struct sim_dev_reports *reports, const struct sim_dev *sim,
		  enum sim_report what, const struct sim_slot *slot);
void sim_log_reset(struct sim_dev_reports *reports, const struct sim_dev *sim,
		   enum sim_report what, const struct sim_slot *slot);
void sim_log_reports(struct sim_dev *sim, const struct sim_dev_reports *reports);

/* For failed_work; see sim_bind.c. */
extern struct workqueue_struct *sim_dev_wq;

extern const struct file_operations sim_file_fops;
extern const struct file_operations sim_ctl_fops;
extern const struct attribute_group *sim_ctl_groups[];

#endif /* _SIM_DEV_H */
