// SPDX-License-Identifier: GPL-2.0-only
/* The workers: threads, each with a timer and an interrupt of its own */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/sched.h>

#include "engine_mod.h"

struct worker *workers;

unsigned int nr_workers;

struct gate work;

struct cpumask worked_on;

static void poke_from_irq(struct rnd_state *rnd)
{
	poke(rnd, any_subject(rnd));
	did(OP_IRQ);
}

static enum hrtimer_restart worker_timer(struct hrtimer *timer)
{
	poke_from_irq(&container_of(timer, struct worker, timer)->timer_rnd);
	return HRTIMER_NORESTART;
}

static void worker_irq(struct irq_work *irq)
{
	poke_from_irq(&container_of(irq, struct worker, irq)->irq_rnd);
}

static void work_once(struct worker *worker)
{
	struct rnd_state *rnd = &worker->rnd;
	struct subject *s = any_subject(rnd);

	if (below(rnd, 4) && answer_hold(worker))
		return;
	atomic_inc(&s->visits);
	switch (below(rnd, 16)) {
	case 0 ... 3:
		change(rnd, s);
		break;
	case 4 ... 5:
		/* Others may start it at the same time, so it may be called. */
		if (gate_enter(&s->users)) {
			if (!READ_ONCE(s->steady))
				stop_sync(s);
			gate_leave(&s->users);
		}
		break;
	case 6:
		if (!hrtimer_active(&worker->timer))
			hrtimer_start(&worker->timer,
				      ns_to_ktime(below(rnd, 300000)),
				      HRTIMER_MODE_REL_PINNED_HARD);
		break;
	case 7:
		irq_work_queue(&worker->irq);
		break;
	default:
		poke(rnd, s);
	}
}

/*
 * Workers are not bound to CPUs: the scheduler spreads them, and on PREEMPT_RT it
 * warns when a CPU with a bound thread goes offline.
 */
static int worker_thread(void *arg)
{
	struct worker *worker = arg;
	unsigned int i;

	while (!kthread_should_stop()) {
		if (!gate_enter(&work)) {
			msleep(20);
			continue;
		}
		cpumask_set_cpu(raw_smp_processor_id(), &worked_on);
		for (i = 0; i < 256; i++) {
			work_once(worker);
			cond_resched();
		}
		gate_leave(&work);
		/* In a storm, save CPU time for when a routine is running. */
		if (!READ_ONCE(being_called) && READ_ONCE(nr_subjects) > NR_PULSED)
			usleep_range(1000, 5000);
		if (!below(&worker->rnd, 64))
			usleep_range(100, 2000);	/* the tick may go idle */
	}
	hrtimer_cancel(&worker->timer);
	irq_work_sync(&worker->irq);
	return 0;
}

int start_worker(unsigned int i, u64 seed)
{
	struct worker *worker = &workers[i];

	prandom_seed_state(&worker->rnd, seed + 3 * i + 1);
	prandom_seed_state(&worker->timer_rnd, seed + 3 * i + 2);
	prandom_seed_state(&worker->irq_rnd, seed + 3 * i + 3);
	hrtimer_setup(&worker->timer, worker_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
	worker->irq = IRQ_WORK_INIT_HARD(worker_irq);
	worker->task = kthread_run(worker_thread, worker, "iotimer_torture/%u", i);
	return PTR_ERR_OR_ZERO(worker->task);
}
