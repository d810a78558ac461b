// SPDX-License-Identifier: GPL-2.0-only
/* Predicts how requests end under the faults of a plan. */
#include "million.h"

static void end_request(struct outcome *out, int result, enum count why)
{
	if (out->nr == MAX_STRUCK)
		die("%s: the model has no room for so many faults", where);
	out->result[out->nr++] = result;
	if (result) {
		out->sum.n[why]++;
		out->sum.n[FAILED]++;
	}
}

/* An operation timed out. True if the request is retried. */
static bool time_out(struct outcome *out, struct plan *plan, unsigned int *retries)
{
	out->sum.n[TIMEOUTS]++;
	out->sum.n[RESETS]++;
	if (is_dead(plan) || plan->reset_hang) {
		plan->reset_hang -= !is_dead(plan);
		out->sum.n[RESET_FAILURES]++;
		end_request(out, EIO, EIO_RESET);
		return false;
	}
	out->sum.n[MISSED] += !!plan->reset_lost;
	plan->reset_lost -= !!plan->reset_lost;
	if (*retries == plan->max_retries) {
		end_request(out, ETIMEDOUT, ETIMEDOUT_SEEN);
	} else {
		(*retries)++;
		out->sum.n[RETRIES]++;
		return true;
	}
	return false;
}

/* An operation ends, with an error or not, and its interrupt may be lost or doubled. */
static void end_operation(struct outcome *out, struct plan *plan)
{
	if (plan->error) {
		plan->error--;
		end_request(out, EIO, EIO_ERROR);
		return;
	}
	if (plan->lost) {
		plan->lost--;
		out->sum.n[MISSED]++;
	} else if (plan->duplicate) {
		plan->duplicate--;
		out->sum.n[LATE]++;	/* the second interrupt */
	}
	end_request(out, 0, COMPLETED);
}

/* Start an operation. False if it times out; else its end is counted. */
static bool start_operation(struct outcome *out, struct plan *plan)
{
	if (is_dead(plan) || plan->hang) {
		plan->hang -= !is_dead(plan);
		return false;
	}
	if (!plan->late) {
		end_operation(out, plan);
		return true;
	}
	plan->late--;
	if (plan->late_ms > plan->timeout * 1000) {
		out->sum.n[LATE]++;
		return false;
	}
	end_request(out, 0, COMPLETED);
	return true;
}

/* Does the next operation meet a fault? */
static bool has_fault(const struct plan *plan)
{
	return is_dead(plan) || plan->hang || plan->late || plan->error || plan->lost ||
	       plan->duplicate;
}

/*
 * Predict how @nr requests end. The device does one at a time, and at most one fault
 * strikes an operation.
 */
void predict(struct outcome *out, struct plan plan, unsigned int nr)
{
	unsigned int retries;

	memset(out, 0, sizeof(*out));
	out->sum.n[SUBMITTED] = nr;
	out->sum.n[SPURIOUS] = plan.spurious + plan.storm;
	while (out->nr < nr && has_fault(&plan)) {
		retries = 0;
		while (!start_operation(out, &plan) && time_out(out, &plan, &retries))
			;
	}
	out->sum.n[COMPLETED] = nr - out->sum.n[FAILED];
	out->sum.n[EIO_SEEN] = out->sum.n[EIO_ERROR] + out->sum.n[EIO_RESET];
}
