// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_log - the driver's log lines
 *
 * They are for the administrator: what happened to which request, and what
 * happens next. Users can provoke them, so they are rate-limited. All else is a
 * trace event.
 */
#include <linux/device.h>

#include "sim_dev.h"

static void sim_log_missed(struct sim_dev *sim,
			   const struct sim_dev_report *report)
{
	unsigned int s = report->ms / 1000, ms = report->ms % 1000;

	if (report->what == SIM_REPORT_DONE)
		dev_warn_ratelimited(sim->dev,
				     "request %llu: done, but no interrupt came in %u.%03u s\n",
				     report->request, s, ms);
	else
		dev_warn_ratelimited(sim->dev,
				     "the device was reset, but no interrupt came in %u.%03u s\n",
				     s, ms);
}

/**
 * sim_log_report - write the log line of a report, if it has one
 * @sim: the device
 * @report: the report
 *
 * Context: any, without the device's lock.
 */
void sim_log_report(struct sim_dev *sim, const struct sim_dev_report *report)
{
	u64 request = report->request;
	unsigned int s = report->ms / 1000, ms = report->ms % 1000;

	if (report->missed)
		sim_log_missed(sim, report);
	switch (report->what) {
	case SIM_REPORT_NOTHING:
	case SIM_REPORT_DONE:
	case SIM_REPORT_RESET_IDLE:
		break;
	case SIM_REPORT_TIMED_OUT:
		dev_warn_ratelimited(sim->dev,
				     "request %llu timed out after %u.%03u s, resetting the device\n",
				     request, s, ms);
		break;
	case SIM_REPORT_RESTART:
		dev_info_ratelimited(sim->dev,
				     "request %llu: reset complete after %u.%03u s, starting over\n",
				     request, s, ms);
		break;
	case SIM_REPORT_RETRY:
		dev_info_ratelimited(sim->dev,
				     "request %llu: reset complete after %u.%03u s, retrying, attempt %u of %u\n",
				     request, s, ms, report->retries,
				     report->max_retries);
		break;
	case SIM_REPORT_RETRIES_USED_UP:
		dev_err_ratelimited(sim->dev,
				    "request %llu: reset complete after %u.%03u s, giving up after %u retries, failed with -ETIMEDOUT\n",
				    request, s, ms, report->retries);
		break;
	case SIM_REPORT_CANCELLED:
		dev_info_ratelimited(sim->dev,
				     "request %llu: reset complete after %u.%03u s, the request was cancelled\n",
				     request, s, ms);
		break;
	case SIM_REPORT_RESET_FAILED:
		dev_err_ratelimited(sim->dev,
				    "request %llu: reset failed, no interrupt for %u.%03u s, failed with -EIO\n",
				    request, s, ms);
		break;
	case SIM_REPORT_RESET_FAILED_CANCELLED:
		dev_err_ratelimited(sim->dev,
				    "request %llu: reset failed, no interrupt for %u.%03u s, the request was cancelled\n",
				    request, s, ms);
		break;
	case SIM_REPORT_RESET_FAILED_IDLE:
		dev_err_ratelimited(sim->dev,
				    "reset failed, no interrupt for %u.%03u s\n",
				    s, ms);
		break;
	}
}
