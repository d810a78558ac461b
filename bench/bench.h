/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iotimer_bench - what the parts of the benchmark share
 *
 * A part measures something at one number of devices, several times, and prints
 * one line to the kernel log, which bench/run collects:
 *
 *	bench NAME DEVICES UNIT SAMPLE...
 */
#ifndef _BENCH_H
#define _BENCH_H

#include <linux/delay.h>
#include <linux/device.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#include "io_timeout.h"
#include "iotimer.h"

#define BENCH_MAX_SAMPLES	32

/**
 * struct bench_context - a driver's data of a device, 256 bytes
 * @timeout: idle; a routine that reads its context reads this
 * @index: its number, in the order in which routines are called
 * @enabled: the device's timer is enabled in this measurement
 * @timer: for the contender with one timer_list a device
 * @hrtimer: for the contender with one hrtimer a device
 * @work: for the contender with one delayed_work a device
 */
struct bench_context {
	struct io_timeout timeout;
	u32 index;
	bool enabled;
	union {
		struct timer_list timer;
		struct hrtimer hrtimer;
		struct delayed_work work;
	};
} __aligned(256);

static_assert(sizeof(struct bench_context) == 256);

/**
 * struct bench - the parameters, and the devices
 * @clock_khz: frequency of bench_clock()
 * @nr: devices
 * @samples: of each measurement
 * @hurry: make the seconds between two samples pass at once
 * @device: @nr devices, and BENCH_SPARE more
 * @context: their contexts, each allocated on its own; with the parameter
 *	shuffle, in an order that is unrelated to their addresses
 */
struct bench {
	u64 clock_khz;
	unsigned int nr;
	unsigned int samples;
	bool hurry;
	struct device *device;
	struct bench_context **context;
};

#define BENCH_SPARE		1024

extern struct bench bench;

/* The share of timers that is enabled. */
enum bench_enabled { BENCH_ALL, BENCH_HALF, BENCH_PERCENT, BENCH_NR_ENABLED };

unsigned int bench_random(unsigned int n);
unsigned int bench_enable(enum bench_enabled which);
bool bench_wanted(const char *name);
void bench_print(const char *name, const char *unit, const u64 *thousandths);
void bench_print_one(const char *name, const char *unit, u64 thousandths);
void bench_print_ns(const char *name, const u64 *ticks, u64 divisor);
void bench_shuffle(void **pointer, unsigned int nr);

void bench_routine(struct device *dev, void *context);
void bench_function(struct timer_list *timer);

/*
 * A clock with a resolution of one cycle, where there is one (user-mode Linux's
 * own has 256 ns). bench_print_ns() converts its ticks into nanoseconds.
 */
static inline u64 bench_clock(void)
{
#ifdef __x86_64__
	u32 low, high;

	asm volatile("lfence; rdtsc; lfence" : "=a" (low), "=d" (high) :: "memory");
	return (u64)high << 32 | low;
#else
	return ktime_get_ns();
#endif
}

/*
 * Time a loop, in ns for each of its @rounds. A loop takes about a millisecond.
 * The pause between samples keeps one disturbance from affecting most of them.
 */
#define bench_measure(name, rounds, ...) do {				\
	u64 sample_[BENCH_MAX_SAMPLES], begin_;				\
	unsigned int s_, r_;						\
									\
	if (!bench_wanted(name))					\
		break;							\
	for (s_ = 0; s_ < bench.samples; s_++) {			\
		msleep(20);						\
		begin_ = bench_clock();					\
		for (r_ = 0; r_ < (rounds); r_++) {			\
			__VA_ARGS__;					\
		}							\
		sample_[s_] = bench_clock() - begin_;			\
	}								\
	bench_print_ns(name, sample_, rounds);				\
} while (0)

int bench_seconds(void);
int bench_hold(void);
int bench_wakeups(void);
int bench_memory(void);
int bench_ops(void);
int bench_cpus(void);
int bench_recovery(void);

#endif /* _BENCH_H */
