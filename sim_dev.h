/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sim_dev - what the driver (sim_dev.c) shows its control node and attributes
 * (sim_ctl.c)
 */
#ifndef _SIM_DEV_H
#define _SIM_DEV_H

#include <linux/cdev.h>
#include <linux/completion.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "io_timeout.h"
#include "sim_hw.h"

/* Of the driver, its class, devices and nodes; a test's copy has another. */
#ifndef SIM_DEV_NAME
#define SIM_DEV_NAME	"sim_dev"
#endif

struct iotimer;

/**
 * struct sim_dev_param - a number with its range
 * @value: first, for param_set_uint_minmax()
 * @min: smallest value
 * @max: largest value
 */
struct sim_dev_param {
	unsigned int value;
	unsigned int min;
	unsigned int max;
};

extern struct sim_dev_param sim_param_timeout;
extern struct sim_dev_param sim_param_reset_timeout;
extern struct sim_dev_param sim_param_max_retries;
extern struct sim_dev_param sim_param_queue_depth;

/**
 * enum sim_dev_irq - what the handler makes of an interrupt
 * @SIM_DEV_IRQ_ACCEPTED: what was outstanding is done, the operation or the reset
 * @SIM_DEV_IRQ_LATE: of an operation that is not outstanding any more
 * @SIM_DEV_IRQ_SPURIOUS: without cause, or of a reset that is not outstanding
 */
enum sim_dev_irq {
	SIM_DEV_IRQ_ACCEPTED,
	SIM_DEV_IRQ_LATE,
	SIM_DEV_IRQ_SPURIOUS,
};

/**
 * struct sim_dev_stats - what happened since the device was bound
 * @submitted: requests taken; always the sum of @completed, @failed,
 *	@cancelled and those outstanding
 * @completed: requests that succeeded
 * @failed: requests that ended with EIO, ETIMEDOUT or ENODEV
 * @cancelled: requests withdrawn by a signal or by closing their file
 * @timeouts: operations that were declared dead
 * @resets: resets that were started
 * @reset_failures: resets that were declared dead
 * @retries: operations started again after a reset
 * @late: interrupts of operations that had been given up
 * @spurious: interrupts without cause, or of a reset that nobody waits for
 * @missed: operations and resets that had ended without an interrupt, as found
 *	when their time was up or before suspend
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
	u64 late;
	u64 spurious;
	u64 missed;
};

/**
 * struct sim_slot - what the device does one of at a time
 * @timeout: of the operation or reset
 * @request: being done; NULL if none
 * @tag: of the operation
 * @started: when the operation or reset was
 * @interrupted: the operation ended, the thread has yet to look
 * @error: it ended with an error
 * @guilty: the operation timed out, so its next start counts as a retry. Else
 *	the reset was not its fault, and it just starts over
 * @failed: the reset timed out, and @failed_work has not handled it yet
 * @failed_work: fails the request when its reset timed out (CustomDpc)
 */
struct sim_slot {
	struct io_timeout timeout;
	struct sim_request *request;
	u32 tag;
	ktime_t started;
	bool interrupted;
	bool error;
	bool guilty;
	bool failed;
	struct work_struct failed_work;
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
 * struct sim_dev - a device, from probe until unbound and all files closed
 * @ref: held by the driver while bound and by each node
 * @dev: the platform device; only used while bound
 * @irq: its interrupt
 * @hw: the silicon, which outlives this
 * @timer: enabled while something is outstanding
 * @gone: unbound; nothing is outstanding and nothing more is taken. Up here
 *	since it is looked at before @lock is taken as well
 * @data_node: /dev/sim_devN
 * @ctl_node: /dev/sim_devN_ctl
 * @lock: protects @gone, everything below, and all requests and files; taken by
 *	the interrupt handler
 * @closed: suspend has begun: nothing is started
 * @off: the device has no power or will soon lose it: handler and routine touch
 *	no register
 * @slot: what the device is doing
 * @queue: requests that wait for the slot
 * @done: asynchronous requests, for sim_dev_unlock() to complete
 * @files: list of the open files
 * @outstanding: requests in @slot and @queue
 * @max_retries: of a request
 * @stats: counters
 * @room: woken when @outstanding falls, the device has nothing more to do, or
 *	is gone
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
	struct sim_slot slot;
	struct list_head queue;
	struct list_head done;
	struct list_head files;
	unsigned int outstanding;
	unsigned int max_retries;
	struct sim_dev_stats stats;
	wait_queue_head_t room;
};

/**
 * struct sim_request - one write() (IRP)
 * @ref: one held until the request is done and off its file's list, another by
 *	write(). With an @iocb, write() leaves the second to sim_dev_unlock()
 * @queue: in sim_dev.queue until it is started; in sim_dev.done when it is
 *	done, if it has an @iocb
 * @list: in sim_file.requests
 * @file: whose list it is on; NULL when it is on none
 * @completed: what a blocking write() waits for
 * @iocb: the asynchronous write() that gets the result, or NULL
 * @number: counts the device's requests from 1, for the log
 * @submitted: when, if the trace event of its completion was on then, else 0
 * @retries: how often it was started again
 * @nonblock: the submitter is not waiting, so an error is reported later, by
 *	read() if the file has a reader, else by fsync() or the next write()
 * @cancelled: nobody wants the result any more
 * @done: @result is valid; protected, like all above, by sim_dev.lock
 * @result: length or negative errno
 * @offset: bytes of the result that were read; protected by sim_file.read_lock
 * @len: bytes of @data
 * @room: bytes there is room for
 * @data: what was written, and, if there is a reader, what was looped back
 *	once @done
 */
struct sim_request {
	refcount_t ref;
	struct list_head queue;
	struct list_head list;
	struct sim_file *file;
	struct completion completed;
	struct kiocb *iocb;
	u64 number;
	ktime_t submitted;
	unsigned int retries;
	bool nonblock;
	bool cancelled;
	bool done;
	int result;
	size_t offset;
	size_t len;
	size_t room;
	u8 data[];
};

/**
 * struct sim_file - an open data node
 * @sim: its device
 * @keeps_results: opened for reading too
 * @requests: outstanding ones, and if @keeps_results those yet to be read, in
 *	the order of submission; protected by sim_dev.lock
 * @nr_requests: how many
 * @error: error of a request that has no reader, kept for fsync() or the next
 *	write(); 0 if none. Protected by sim_dev.lock
 * @node: entry in sim_dev.files; protected by sim_dev.lock
 * @wait: of read(), fsync() and all who poll; woken when one is done or taken
 *	off the list, the queue has room again, or the device is gone
 * @spare: a request that the next write() takes, or NULL; atomic
 * @read_lock: one reader at a time; only its holder removes the first request
 *	once that is done
 */
struct sim_file {
	struct sim_dev *sim;
	bool keeps_results;
	struct list_head requests;
	unsigned int nr_requests;
	int error;
	struct list_head node;
	wait_queue_head_t wait;
	struct sim_request *spare;
	struct mutex read_lock;	/* one reader at a time */
};

/**
 * enum sim_report - which log line a report is
 * @SIM_REPORT_NOTHING: none
 * @SIM_REPORT_DONE: the operation is done; a line only if its interrupt was lost
 * @SIM_REPORT_TIMED_OUT: the operation timed out, the device is being reset
 * @SIM_REPORT_RESET_IDLE: the reset is done, there was no request; as DONE
 * @SIM_REPORT_RESTART: the reset is done, a request without guilt starts over
 * @SIM_REPORT_RETRY: the reset is done, the request is retried
 * @SIM_REPORT_RETRIES_USED_UP: the reset is done, the request fails
 * @SIM_REPORT_CANCELLED: the reset is done, the request was cancelled
 * @SIM_REPORT_RESET_FAILED: the reset timed out, the request fails
 * @SIM_REPORT_RESET_FAILED_CANCELLED: the same; the request was cancelled
 * @SIM_REPORT_RESET_FAILED_IDLE: the same; there was no request
 */
enum sim_report {
	SIM_REPORT_NOTHING,
	SIM_REPORT_DONE,
	SIM_REPORT_TIMED_OUT,
	SIM_REPORT_RESET_IDLE,
	SIM_REPORT_RESTART,
	SIM_REPORT_RETRY,
	SIM_REPORT_RETRIES_USED_UP,
	SIM_REPORT_CANCELLED,
	SIM_REPORT_RESET_FAILED,
	SIM_REPORT_RESET_FAILED_CANCELLED,
	SIM_REPORT_RESET_FAILED_IDLE,
};

/**
 * struct sim_dev_report - what to log once the lock is dropped
 * @what: which line
 * @missed: found by asking the device, since no interrupt came
 * @request: its number; 0 after a reset at resume without a request
 * @ms: how long the operation, or the reset, took
 * @retries: how often the request was started again
 * @max_retries: how often it may be
 */
struct sim_dev_report {
	enum sim_report what;
	bool missed;
	u64 request;
	unsigned int ms;
	unsigned int retries;
	unsigned int max_retries;
};

int sim_dev_register_driver(unsigned int nr);
void sim_dev_unregister_driver(unsigned int nr);

void sim_dev_queue(struct sim_dev *sim, struct sim_request *req);
void sim_dev_cancel(struct sim_dev *sim, struct sim_request *req);
void sim_dev_unlock(struct sim_dev *sim, unsigned long flags);
void sim_request_put(struct sim_request *req);
void sim_request_unlist(struct sim_request *req);

void sim_log_report(struct sim_dev *sim, const struct sim_dev_report *report);

extern const struct file_operations sim_file_fops;
extern const struct file_operations sim_ctl_fops;
extern const struct attribute_group *sim_ctl_groups[];

#endif /* _SIM_DEV_H */
