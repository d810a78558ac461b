// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the driver, from inside: its functions, on the real hardware model and
 * the real heartbeat. Signals, files and nodes are tested from outside, by
 * tests/system/.
 *
 * The cases call static functions of the driver, so all files are compiled in
 * one piece: here the fixture, then a file for each topic, then the suite.
 */
#define OWN_COPY sim_dev_test
#include "own_copy.h"

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/module.h>

/*
 * The suite calls the driver's init and exit itself. Up to about 6.5 this
 * happens before the module is known to sysfs, so the module must not be the
 * driver's owner.
 */
#undef THIS_MODULE
#define THIS_MODULE ((struct module *)NULL)
#undef __init
#define __init
#undef __exit
#define __exit
#undef module_init
#define module_init(fn)
#undef module_exit
#define module_exit(fn)

#include "sim_dev_sources.h"

static bool virtual;
module_param(virtual, bool, 0444);
MODULE_PARM_DESC(virtual, "time is virtual: demand exact times");

#define TIMEOUT		1
#define RESET_TIMEOUT	1

/* An open file of device 0, and the device's statistics when the test began. */
struct fixture {
	struct sim_dev *sim;
	struct sim_file *file;
	struct file filp;
	struct sim_dev_stats before;
};

static struct sim_dev *device(unsigned int nr)
{
	return dev_get_drvdata(&sim_main_devs[nr].pdev->dev);
}

/* How much a statistic grew since the test began. */
#define GREW(fx, name)							\
	(sim_ctl_look((fx)->sim).stats.name - (fx)->before.name)

static void expect_identity(struct kunit *test, struct sim_dev *sim)
{
	struct sim_ctl_snapshot now = sim_ctl_look(sim);

	KUNIT_EXPECT_EQ(test, now.stats.submitted,
			now.stats.completed + now.stats.failed +
			now.stats.cancelled + now.outstanding);
}

static void open_file(struct kunit *test, struct fixture *fx)
{
	fx->file = sim_file_alloc(fx->sim, true);
	KUNIT_ASSERT_NOT_NULL(test, fx->file);
	fx->filp.private_data = fx->file;
}

/* A file of any device, which the test closes by sim_file_free(). */
static struct fixture *open_another(struct kunit *test, struct sim_dev *sim)
{
	struct fixture *fx = kunit_kzalloc(test, sizeof(*fx), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fx);
	fx->sim = sim;
	fx->before = sim_ctl_look(sim).stats;
	open_file(test, fx);
	return fx;
}

static void wait_until_idle(struct sim_dev *sim)
{
	unsigned long give_up = jiffies + 60 * HZ;

	while (READ_ONCE(sim->outstanding) && time_before(jiffies, give_up))
		msleep(20);
}

static void set_limit(struct sim_dev *sim, unsigned int *limit,
		      unsigned int seconds)
{
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	*limit = seconds;
	sim_dev_set_limits(sim);
	spin_unlock_irqrestore(&sim->lock, flags);
}

static int open_device(struct kunit *test)
{
	struct fixture *fx = kunit_kzalloc(test, sizeof(*fx), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fx);
	fx->sim = device(0);
	KUNIT_ASSERT_NOT_NULL(test, fx->sim);
	kref_get(&fx->sim->ref);	/* as an open node does */
	open_file(test, fx);
	fx->before = sim_ctl_look(fx->sim).stats;
	fx->sim->max_retries = 3;
	set_limit(fx->sim, &fx->sim->limits.op, TIMEOUT);
	set_limit(fx->sim, &fx->sim->limits.abort, 0);
	set_limit(fx->sim, &fx->sim->limits.reset, RESET_TIMEOUT);
	test->priv = fx;
	return 0;
}

static void close_device(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_hw *hw = sim_main_devs[0].hw;

	if (!fx || !fx->file)
		return;
	sim_hw_clear(hw);
	sim_hw_set_dead(hw, false);
	sim_hw_set_ms(hw, SIM_HW_LATENCY, 5);
	sim_hw_set_ms(hw, SIM_HW_RESET_LATENCY, 5);
	sim_file_free(fx->file);
	wait_until_idle(fx->sim);
	KUNIT_EXPECT_EQ(test, fx->sim->outstanding, 0u);
	KUNIT_EXPECT_EQ(test, io_recovery_left(fx->sim->recovery), -1);
	expect_identity(test, fx->sim);
	sim_dev_put(fx->sim);
}

static ssize_t do_write(struct fixture *fx, const void *data, size_t len,
			bool nonblock)
{
	struct kvec vec = { (void *)data, len };
	struct kiocb iocb = { .ki_filp = &fx->filp };
	struct iov_iter iter;

	fx->filp.f_flags = nonblock ? O_NONBLOCK : 0;
	iov_iter_kvec(&iter, WRITE, &vec, 1, len);
	return sim_file_write_iter(&iocb, &iter);
}

static ssize_t do_read(struct fixture *fx, void *data, size_t len, bool nonblock)
{
	struct kvec vec = { data, len };
	struct kiocb iocb = { .ki_filp = &fx->filp };
	struct iov_iter iter;

	fx->filp.f_flags = nonblock ? O_NONBLOCK : 0;
	iov_iter_kvec(&iter, READ, &vec, 1, len);
	return sim_file_read_iter(&iocb, &iter);
}

static bool polls(struct fixture *fx, __poll_t mask)
{
	return sim_file_poll(&fx->filp, NULL) == mask;
}

static ssize_t write_text(struct fixture *fx, const char *text)
{
	return do_write(fx, text, strlen(text), false);
}

static ssize_t queue_text(struct fixture *fx, const char *text)
{
	return do_write(fx, text, strlen(text), true);
}

static void expect_read(struct kunit *test, const char *text)
{
	struct fixture *fx = test->priv;
	char back[64] = "";

	KUNIT_EXPECT_EQ(test, do_read(fx, back, sizeof(back), false),
			(ssize_t)strlen(text));
	KUNIT_EXPECT_STREQ(test, back, text);
}

static int command(struct fixture *fx, const char *text)
{
	char line[SIM_CTL_MAX_LINE + 1];

	strscpy(line, text, sizeof(line));
	return sim_ctl_line(fx->sim->hw, line);
}

static bool timer_is_enabled(struct fixture *fx)
{
	return iotimer_enabled(fx->sim->timer);
}

#include "sim_dev_test_requests.c"
#include "sim_dev_test_recovery.c"
#include "sim_dev_test_lifetime.c"
#include "sim_dev_test_power.c"
#include "sim_dev_test_ctl.c"
#include "sim_dev_test_main.c"

static struct kunit_case sim_dev_cases[] = {
	KUNIT_CASE(request_loops_data_back),
	KUNIT_CASE(results_come_in_order),
	KUNIT_CASE(a_short_operation_is_a_short_write),
	KUNIT_CASE(a_short_buffer_gets_the_rest_next),
	KUNIT_CASE(sizes_are_checked),
	KUNIT_CASE(nonblocking_read_waits_for_nothing),
	KUNIT_CASE(a_full_queue_says_eagain),
	KUNIT_CASE(sixty_four_unread_results_say_enobufs),
	KUNIT_CASE(poll_tells_both_directions),
	KUNIT_CASE(hang_is_reset_and_retried),
	KUNIT_CASE(a_hung_reset_fails_with_eio),
	KUNIT_CASE(retries_run_out),
	KUNIT_CASE(no_retries_means_none),
	KUNIT_CASE(a_device_error_is_eio),
	KUNIT_CASE(a_late_interrupt_during_the_reset_is_ignored),
	KUNIT_CASE(a_late_interrupt_during_the_retry_is_ignored),
	KUNIT_CASE(spurious_interrupts_change_nothing),
	KUNIT_CASE(a_slow_reset_after_the_failure_is_spurious),
	KUNIT_CASE(a_failure_is_read_at_its_turn),
	KUNIT_CASE(dead_and_revived),
	KUNIT_CASE(a_lost_interrupt_is_asked_for),
	KUNIT_CASE(after_asking_the_next_has_all_its_time),
	KUNIT_CASE(the_resets_interrupt_is_asked_for_too),
	KUNIT_CASE(a_duplicate_is_late),
	KUNIT_CASE(a_storm_changes_nothing),
	KUNIT_CASE(gone_fails_with_eio),
	KUNIT_CASE(all_ones_are_no_cause),
	KUNIT_CASE(a_gone_device_is_not_bound),
	KUNIT_CASE(a_wrong_number_of_slots_is_refused),
	KUNIT_CASE(an_idle_device_stops_its_timer),
	KUNIT_CASE(time_is_as_exact_after_idling),
	KUNIT_CASE(devices_are_independent),
	KUNIT_CASE(closing_cancels_what_is_queued),
	KUNIT_CASE(closing_during_the_reset),
	KUNIT_CASE(unbinding_fails_everything),
	KUNIT_CASE(unbinding_with_the_failure_under_way),
	KUNIT_CASE(bound_again_ignores_the_old_operations),
	KUNIT_CASE(bound_again_takes_no_old_end_for_its_own),
	KUNIT_CASE(an_asynchronous_request_completes_when_it_is_done),
	KUNIT_CASE(nowait_means_no_wait_for_room_only),
	KUNIT_CASE(an_asynchronous_request_gets_its_error),
	KUNIT_CASE(unbinding_completes_asynchronous_requests),
	KUNIT_CASE(fsync_tells_an_error_once),
	KUNIT_CASE(the_next_write_tells_an_error_once),
	KUNIT_CASE(suspend_lets_an_operation_finish),
	KUNIT_CASE(suspend_asks_the_device),
	KUNIT_CASE(resume_starts_an_operation_over),
	KUNIT_CASE(resume_goes_on_with_a_reset),
	KUNIT_CASE(nothing_is_retried_while_suspending),
	KUNIT_CASE(a_reset_that_fails_while_suspending),
	KUNIT_CASE(a_failure_is_handled_before_resume),
	KUNIT_CASE(a_reset_that_fails_after_resume),
	KUNIT_CASE(an_interrupt_without_power),
	KUNIT_CASE(unbinding_without_power),
	KUNIT_CASE(shutdown_quiets_the_device),
	KUNIT_CASE(a_device_without_our_data_is_refused),
	KUNIT_CASE(no_interrupt_is_lost_at_latency_zero),
	KUNIT_CASE(lines_are_parsed),
	KUNIT_CASE(lines_take_effect),
	KUNIT_CASE(rules_are_shown_as_they_are_written),
	KUNIT_CASE(new_faults_and_ranges_are_shown_while_they_are_set),
	KUNIT_CASE(attributes_check_their_range),
	KUNIT_CASE(a_device_has_its_own_settings),
	KUNIT_CASE(settings_are_back_when_it_is_bound_again),
	KUNIT_CASE(a_bound_device_may_be_bound),
	KUNIT_CASE(a_bad_setting_makes_no_device),
	KUNIT_CASE(no_two_devices_have_a_number),
	KUNIT_CASE(hardware_stays_while_a_node_is_open),
	{}
};

static int make_devices(struct kunit_suite *suite)
{
	sim_param_devices.value = 2;
	return sim_main_init();
}

static void unmake_devices(struct kunit_suite *suite)
{
	sim_main_exit();
}

static struct kunit_suite sim_dev_suite = {
	.name = "sim_dev",
	.suite_init = make_devices,
	.suite_exit = unmake_devices,
	.init = open_device,
	.exit = close_device,
	.test_cases = sim_dev_cases,
};

#include "sim_dev_test_slots.c"
#include "sim_dev_test_client.c"

kunit_test_suites(&sim_dev_suite, &sim_dev_slots_suite, &sim_client_suite);
