// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_log - the driver's log lines
 *
 * They are for the administrator: what happened to which request, and what
 * happens next. Users can provoke them, so they are rate-limited. All else is a
 * trace event.
 */
#include <linux/device.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/string.h>

#include "sim_dev.h"

/* If there are too many reports, drop these first: they report no failure. */
static bool sim_log_is_minor(enum sim_report what)
{
	return what == SIM_REPORT_RESTART || what == SIM_REPORT_DONE_MISSED;
}

/*
 * A place for one more report, or NULL to drop the report. If the array is full,
 * the last minor report in it makes room for one that is not minor.
 */
static struct sim_dev_report *sim_log_place(struct sim_dev_reports *reports,
					    enum sim_report what)
{
	struct sim_dev_report *report = reports->report;
	unsigned int i = SIM_DEV_MAX_REPORTS;

	if (reports->nr++ < SIM_DEV_MAX_REPORTS)
		return &report[reports->nr - 1];
	if (sim_log_is_minor(what))
		return NULL;
	while (i && !sim_log_is_minor(report[i - 1].what))
		i--;
	if (!i)
		return NULL;
	memmove(&report[i - 1], &report[i],
		(SIM_DEV_MAX_REPORTS - i) * sizeof(*report));
	return &report[SIM_DEV_MAX_REPORTS - 1];
}

/* @us is how long it took. @slot is NULL for a reset without a request. */
static void sim_log_add(struct sim_dev_reports *reports,
			const struct sim_dev *sim, enum sim_report what,
			const struct sim_slot *slot, s64 us)
{
	struct sim_dev_report *report = sim_log_place(reports, what);

	if (!report)
		return;
	*report = (struct sim_dev_report){
		.what = what,
		.ms = div_s64(us, USEC_PER_MSEC),
		.max_retries = sim->max_retries,
	};
	if (slot) {
		report->aborted = slot->aborted;
		report->slot = sim_slot_nr(sim, slot);
		report->request = slot->request->number;
		report->retries = slot->request->retries;
	}
}

/**
 * sim_log_slot - add a report about a slot's operation or abort
 * @reports: the reports
 * @sim: the device
 * @what: what to report
 * @slot: the slot, with a request
 *
 * Context: any, under the device's lock.
 */
void sim_log_slot(struct sim_dev_reports *reports, const struct sim_dev *sim,
		  enum sim_report what, const struct sim_slot *slot)
{
	sim_log_add(reports, sim, what, slot, sim_slot_age(slot));
}

/**
 * sim_log_reset - add a report about a reset
 * @reports: the reports
 * @sim: the device
 * @what: what to report
 * @slot: the slot whose request it is about; NULL if it is about none
 *
 * Context: any, under the device's lock.
 */
void sim_log_reset(struct sim_dev_reports *reports, const struct sim_dev *sim,
		   enum sim_report what, const struct sim_slot *slot)
{
	sim_log_add(reports, sim, what, slot, sim_dev_reset_age(sim));
}

/* "request 5", or "request 5, slot 2" if there are several slots. */
struct sim_log_who {
	char text[48];
};

static struct sim_log_who sim_log_who(const struct sim_dev *sim,
				      const struct sim_dev_report *report)
{
	struct sim_log_who who;

	if (sim->nr_slots == 1)
		scnprintf(who.text, sizeof(who.text), "request %llu",
			  report->request);
	else
		scnprintf(who.text, sizeof(who.text), "request %llu, slot %u",
			  report->request, report->slot);
	return who;
}

/* Something timed out. */
static void sim_log_timed_out(struct sim_dev *sim,
			      const struct sim_dev_report *report)
{
	struct sim_log_who who = sim_log_who(sim, report);
	unsigned int s = report->ms / 1000, ms = report->ms % 1000;

	switch (report->what) {
	case SIM_REPORT_ABORT:
		dev_warn_ratelimited(sim->dev,
				     "%s timed out after %u.%03u s, aborting it\n",
				     who.text, s, ms);
		break;
	case SIM_REPORT_TIMED_OUT:
		dev_warn_ratelimited(sim->dev,
				     "%s timed out after %u.%03u s, resetting the device\n",
				     who.text, s, ms);
		break;
	default:
		dev_warn_ratelimited(sim->dev,
				     "%s: not aborted after %u.%03u s, resetting the device\n",
				     who.text, s, ms);
		break;
	}
}

/* An interrupt was lost. */
static void sim_log_missed(struct sim_dev *sim,
			   const struct sim_dev_report *report)
{
	struct sim_log_who who = sim_log_who(sim, report);
	unsigned int s = report->ms / 1000, ms = report->ms % 1000;

	if (report->what == SIM_REPORT_DONE_MISSED)
		dev_warn_ratelimited(sim->dev,
				     "%s: done, but no interrupt came in %u.%03u s\n",
				     who.text, s, ms);
	else
		dev_warn_ratelimited(sim->dev,
				     "the device was reset, but no interrupt came in %u.%03u s\n",
				     s, ms);
}

/* An abort or a reset is done. */
static void sim_log_recovered(struct sim_dev *sim,
			      const struct sim_dev_report *report)
{
	struct sim_log_who who = sim_log_who(sim, report);
	const char *done = report->aborted ? "aborted" : "reset complete";
	unsigned int s = report->ms / 1000, ms = report->ms % 1000;

	switch (report->what) {
	case SIM_REPORT_RESTART:
		dev_info_ratelimited(sim->dev,
				     "%s: %s after %u.%03u s, starting over\n",
				     who.text, done, s, ms);
		break;
	case SIM_REPORT_RETRY:
		dev_info_ratelimited(sim->dev,
				     "%s: %s after %u.%03u s, retrying, attempt %u of %u\n",
				     who.text, done, s, ms, report->retries,
				     report->max_retries);
		break;
	case SIM_REPORT_USED_UP:
		dev_err_ratelimited(sim->dev,
				    "%s: %s after %u.%03u s, giving up after %u retries, failed with -ETIMEDOUT\n",
				    who.text, done, s, ms, report->retries);
		break;
	default:
		dev_info_ratelimited(sim->dev,
				     "%s: %s after %u.%03u s, the request was cancelled\n",
				     who.text, done, s, ms);
		break;
	}
}

/* A reset timed out. */
static void sim_log_reset_failed(struct sim_dev *sim,
				 const struct sim_dev_report *report)
{
	struct sim_log_who who = sim_log_who(sim, report);
	unsigned int s = report->ms / 1000, ms = report->ms % 1000;

	switch (report->what) {
	case SIM_REPORT_RESET_FAILED:
		dev_err_ratelimited(sim->dev,
				    "%s: reset failed, no interrupt for %u.%03u s, failed with -EIO\n",
				    who.text, s, ms);
		break;
	case SIM_REPORT_RESET_FAILED_CANCELLED:
		dev_err_ratelimited(sim->dev,
				    "%s: reset failed, no interrupt for %u.%03u s, the request was cancelled\n",
				    who.text, s, ms);
		break;
	default:
		dev_err_ratelimited(sim->dev,
				    "reset failed, no interrupt for %u.%03u s\n",
				    s, ms);
		break;
	}
}

static void sim_log_report(struct sim_dev *sim,
			   const struct sim_dev_report *report)
{
	switch (report->what) {
	case SIM_REPORT_ABORT:
	case SIM_REPORT_TIMED_OUT:
	case SIM_REPORT_ABORT_TIMED_OUT:
		sim_log_timed_out(sim, report);
		break;
	case SIM_REPORT_DONE_MISSED:
	case SIM_REPORT_RESET_MISSED:
		sim_log_missed(sim, report);
		break;
	case SIM_REPORT_RESTART:
	case SIM_REPORT_RETRY:
	case SIM_REPORT_USED_UP:
	case SIM_REPORT_CANCELLED:
		sim_log_recovered(sim, report);
		break;
	case SIM_REPORT_RESET_FAILED:
	case SIM_REPORT_RESET_FAILED_CANCELLED:
	case SIM_REPORT_RESET_FAILED_IDLE:
		sim_log_reset_failed(sim, report);
		break;
	}
}

/**
 * sim_log_reports - write the log lines of reports
 * @sim: the device
 * @reports: the reports
 *
 * Context: any, without the device's lock.
 */
void sim_log_reports(struct sim_dev *sim, const struct sim_dev_reports *reports)
{
	unsigned int i, nr = min_t(unsigned int, reports->nr, SIM_DEV_MAX_REPORTS);
	unsigned int more = reports->nr - nr;

	for (i = 0; i < nr; i++)
		sim_log_report(sim, &reports->report[i]);
	if (more)
		dev_info_ratelimited(sim->dev, "and %u more\n", more);
}
