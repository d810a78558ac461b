// SPDX-License-Identifier: GPL-2.0-only
/* Part of sim_dev_test.c: the interface to other drivers, sim_client.h. */

/**
 * struct call - a request of a client, and what its done() has seen
 * @req: the request
 * @sim: its device
 * @again: done() submits the request so often again, to this client
 * @client: that client
 * @nap: done() takes so many ms
 * @submitter: the task that is submitting or cancelling a request now
 * @times: how often done() was called
 * @returned: how often it was about to return
 * @wrong: what is wrong with a call; NULL if nothing
 * @completed: completed by done()
 * @data: what was written
 */
struct call {
	struct sim_request req;
	struct sim_dev *sim;
	unsigned int again;
	struct sim_client *client;
	unsigned int nap;
	struct task_struct *submitter;
	unsigned int times;
	unsigned int returned;
	const char *wrong;
	struct completion completed;
	char data[64];
};

static void call_done(struct sim_request *req)
{
	struct call *call = container_of(req, struct call, req);
	unsigned long flags;

	call->times++;
	if (in_hardirq())
		call->wrong = "done() in a hard interrupt";
	if (READ_ONCE(call->submitter) == current && !in_softirq())
		call->wrong = "done() by the submitter";
	/* With more CPUs, another one may hold the lock. */
	if (spin_trylock_irqsave(&call->sim->lock, flags))
		spin_unlock_irqrestore(&call->sim->lock, flags);
	else if (num_online_cpus() == 1)
		call->wrong = "done() under the lock";
	if (call->again) {
		call->again--;
		if (sim_client_submit(call->client, req))
			call->wrong = "done() cannot submit again";
		return;
	}
	complete(&call->completed);
	if (call->nap)
		msleep(call->nap);
	call->returned++;
}

static struct sim_client *get_client(struct kunit *test, unsigned int number)
{
	struct sim_client *client = sim_client_get(number);

	KUNIT_ASSERT_FALSE(test, IS_ERR(client));
	return client;
}

static struct call *new_call(struct kunit *test, const char *text)
{
	struct call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	struct fixture *fx = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, call);
	init_completion(&call->completed);
	call->sim = fx->sim;
	strscpy(call->data, text, sizeof(call->data));
	call->req.data = call->data;
	call->req.len = strlen(text);
	call->req.read_back = true;
	call->req.done = call_done;
	return call;
}

static int submit(struct sim_client *client, struct call *call)
{
	unsigned long flags = 0;
	int err;

	/* Any context may submit, but on PREEMPT_RT the lock sleeps. */
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		local_irq_save(flags);
	WRITE_ONCE(call->submitter, current);
	err = sim_client_submit(client, &call->req);
	WRITE_ONCE(call->submitter, NULL);
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		local_irq_restore(flags);
	return err;
}

static struct call *submit_text(struct kunit *test, struct sim_client *client,
				const char *text)
{
	struct call *call = new_call(test, text);

	KUNIT_EXPECT_EQ(test, submit(client, call), 0);
	return call;
}

static bool cancel(struct sim_client *client, struct call *call)
{
	bool taken_back;

	WRITE_ONCE(call->submitter, current);
	taken_back = sim_client_cancel(client, &call->req);
	WRITE_ONCE(call->submitter, NULL);
	return taken_back;
}

/* It is done, now or later, once, with this result. */
static void expect_done(struct kunit *test, struct call *call, int result)
{
	wait_for_completion(&call->completed);
	KUNIT_EXPECT_EQ(test, call->times, 1u);
	KUNIT_EXPECT_EQ(test, call->req.result, result);
	KUNIT_EXPECT_STREQ(test, call->wrong ?: "", "");
}

static void data_are_read_back(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_client *client = get_client(test, 0);
	struct call *call;

	command(fx, "latency 300");
	call = submit_text(test, client, "there and back");
	KUNIT_EXPECT_EQ(test, call->times, 0u);
	memset(call->data, 0, sizeof(call->data));
	expect_done(test, call, 14);
	KUNIT_EXPECT_STREQ(test, call->data, "there and back");

	call = new_call(test, "there only");
	call->req.read_back = false;
	KUNIT_EXPECT_EQ(test, submit(client, call), 0);
	memset(call->data, 0, sizeof(call->data));
	expect_done(test, call, 10);
	KUNIT_EXPECT_STREQ(test, call->data, "");
	sim_client_put(client);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 2ull);
}

/* By the thread, the tick, the thread after a reset, and the work item. */
static void each_end_is_told_once(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_client *client = get_client(test, 0);

	command(fx, "error");
	expect_done(test, submit_text(test, client, "x"), -EIO);
	command(fx, "lost");
	expect_done(test, submit_text(test, client, "x"), 1);
	KUNIT_EXPECT_EQ(test, GREW(fx, missed), 1ull);
	command(fx, "short");
	expect_done(test, submit_text(test, client, "xx"), 1);
	command(fx, "hang");
	expect_done(test, submit_text(test, client, "xx"), 2);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 1ull);
	command(fx, "hang 4");
	expect_done(test, submit_text(test, client, "x"), -ETIMEDOUT);
	command(fx, "hang");
	command(fx, "reset-hang");
	expect_done(test, submit_text(test, client, "x"), -EIO);
	sim_client_put(client);
	KUNIT_EXPECT_EQ(test, GREW(fx, submitted), 6ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 3ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, failed), 3ull);
}

static void bad_requests_are_refused(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_client *client = get_client(test, 0);
	struct call *call = new_call(test, "x");

	call->req.len = 0;
	KUNIT_EXPECT_EQ(test, submit(client, call), -EINVAL);
	call->req.len = SIM_CLIENT_MAX_LEN + 1;
	KUNIT_EXPECT_EQ(test, submit(client, call), -EMSGSIZE);
	call->req.len = 1;
	call->req.data = NULL;
	KUNIT_EXPECT_EQ(test, submit(client, call), -EINVAL);
	call->req.data = call->data;
	call->req.done = NULL;
	KUNIT_EXPECT_EQ(test, submit(client, call), -EINVAL);
	sim_client_put(client);
	KUNIT_EXPECT_EQ(test, GREW(fx, submitted), 0ull);
}

static void a_full_queue_refuses_clients_too(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_client *client = get_client(test, 0);
	struct call *call = new_call(test, "x");
	unsigned int i;

	command(fx, "latency 100");
	for (i = 0; i < fx->sim->depth; i++)
		queue_text(fx, "x");
	KUNIT_EXPECT_EQ(test, submit(client, call), -EAGAIN);
	wait_until_idle(fx->sim);
	KUNIT_EXPECT_EQ(test, call->times, 0u);
	KUNIT_EXPECT_EQ(test, submit(client, call), 0);
	expect_done(test, call, 1);
	sim_client_put(client);
}

static void a_client_needs_a_bound_device(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct device *dev = fx->sim->dev;

	KUNIT_EXPECT_PTR_EQ(test, sim_client_get(2), ERR_PTR(-ENODEV));
	KUNIT_EXPECT_PTR_EQ(test, sim_client_get(UINT_MAX), ERR_PTR(-ENODEV));
	device_release_driver(dev);
	KUNIT_EXPECT_PTR_EQ(test, sim_client_get(0), ERR_PTR(-ENODEV));
	KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
	sim_client_put(get_client(test, 0));
}

static void the_number_says_which_device(struct kunit *test)
{
	struct fixture *other = open_another(test, device(1));
	struct sim_client *client = get_client(test, 1);
	struct fixture *fx = test->priv;

	expect_done(test, submit_text(test, client, "x"), 1);
	sim_client_put(client);
	KUNIT_EXPECT_EQ(test, GREW(other, completed), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, submitted), 0ull);
	sim_file_free(other->file);
}

static void a_request_in_the_queue_is_taken_back(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_client *client = get_client(test, 0);
	struct call *first, *second;

	command(fx, "latency 300");
	first = submit_text(test, client, "first");
	second = submit_text(test, client, "second");
	KUNIT_EXPECT_TRUE(test, cancel(client, second));
	KUNIT_EXPECT_FALSE(test, cancel(client, second));	/* it is ours */
	KUNIT_EXPECT_EQ(test, GREW(fx, cancelled), 1ull);
	expect_identity(test, fx->sim);
	expect_done(test, first, 5);
	KUNIT_EXPECT_EQ(test, second->times, 0u);
	KUNIT_EXPECT_EQ(test, submit(client, second), 0);
	expect_done(test, second, 6);
	sim_client_put(client);
}

static void a_request_in_the_device_ends_later(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_client *client = get_client(test, 0);
	struct call *call;

	command(fx, "latency 300");
	call = submit_text(test, client, "old");
	strscpy(call->data, "new", sizeof(call->data));
	KUNIT_EXPECT_FALSE(test, cancel(client, call));
	KUNIT_EXPECT_EQ(test, call->times, 0u);
	expect_identity(test, fx->sim);
	expect_done(test, call, -ECANCELED);
	KUNIT_EXPECT_STREQ(test, call->data, "new");	/* not read back */
	KUNIT_EXPECT_FALSE(test, cancel(client, call));
	sim_client_put(client);
	KUNIT_EXPECT_EQ(test, GREW(fx, cancelled), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 0ull);
}

static void a_cancelled_request_is_not_retried(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_client *client = get_client(test, 0);
	struct call *call;

	command(fx, "hang");
	call = submit_text(test, client, "x");
	KUNIT_EXPECT_FALSE(test, cancel(client, call));
	expect_done(test, call, -ECANCELED);
	sim_client_put(client);
	KUNIT_EXPECT_EQ(test, GREW(fx, resets), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 0ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, cancelled), 1ull);
}

static void a_request_that_is_done_cannot_be_cancelled(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_client *client = get_client(test, 0);
	struct call *call = submit_text(test, client, "x");

	expect_done(test, call, 1);
	KUNIT_EXPECT_FALSE(test, cancel(client, call));
	sim_client_put(client);
	KUNIT_EXPECT_EQ(test, call->times, 1u);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, cancelled), 0ull);
}

static void unbinding_ends_a_clients_requests(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_client *client = get_client(test, 0), *new;
	struct device *dev = fx->sim->dev;
	struct call *first, *second, *third;

	command(fx, "hang");
	first = submit_text(test, client, "x");
	second = submit_text(test, client, "x");
	third = submit_text(test, client, "x");
	KUNIT_EXPECT_FALSE(test, cancel(client, first));
	device_release_driver(dev);
	KUNIT_EXPECT_EQ(test, second->times, 1u);	/* before unbinding ends */
	expect_done(test, first, -ECANCELED);
	expect_done(test, second, -ENODEV);
	expect_done(test, third, -ENODEV);
	expect_identity(test, fx->sim);
	KUNIT_EXPECT_EQ(test, submit(client, new_call(test, "x")), -ENODEV);
	KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
	KUNIT_EXPECT_EQ(test, submit(client, new_call(test, "x")), -ENODEV);
	new = get_client(test, 0);
	first = submit_text(test, new, "x");
	expect_done(test, first, 1);
	sim_client_put(new);
	sim_client_put(client);
}

/* The file is closed, and the driver unbound: the client alone keeps the memory. */
static void a_client_holds_its_device(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_client *client = get_client(test, 1);
	struct sim_dev *sim = device(1);
	struct device *dev = sim->dev;
	struct call *call = new_call(test, "x");

	KUNIT_EXPECT_EQ(test, kref_read(&sim->ref), 4u);	/* driver, two nodes */
	device_release_driver(dev);
	KUNIT_EXPECT_EQ(test, kref_read(&sim->ref), 1u);
	KUNIT_EXPECT_EQ(test, submit(client, call), -ENODEV);
	sim_client_put(client);
	KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
	KUNIT_EXPECT_EQ(test, GREW(fx, submitted), 0ull);
}

static void putting_waits_for_what_is_outstanding(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_client *client = get_client(test, 0);
	struct call *first, *second;
	ktime_t began = ktime_get();

	command(fx, "latency 300");
	first = submit_text(test, client, "x");
	second = submit_text(test, client, "x");
	KUNIT_EXPECT_FALSE(test, cancel(client, first));
	KUNIT_EXPECT_TRUE(test, cancel(client, second));
	sim_client_put(client);
	KUNIT_EXPECT_EQ(test, first->returned, 1u);
	KUNIT_EXPECT_EQ(test, second->times, 0u);
	KUNIT_EXPECT_GE(test, ktime_ms_delta(ktime_get(), began), 300ll);
	if (virtual)
		KUNIT_EXPECT_LE(test, ktime_ms_delta(ktime_get(), began), 320ll);
}

/* Then the module with done() can be unloaded. */
static void putting_waits_until_done_has_returned(struct kunit *test)
{
	struct sim_client *client = get_client(test, 0);
	struct call *call = new_call(test, "x");

	call->nap = 500;	/* the thread calls it, and may sleep */
	KUNIT_EXPECT_EQ(test, submit(client, call), 0);
	wait_for_completion(&call->completed);
	KUNIT_EXPECT_EQ(test, call->returned, 0u);
	sim_client_put(client);
	KUNIT_EXPECT_EQ(test, call->returned, 1u);
}

static void done_may_submit_again(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct call *call = new_call(test, "x");

	call->client = get_client(test, 0);
	call->again = 3;
	command(fx, "error");		/* the first */
	KUNIT_EXPECT_EQ(test, submit(call->client, call), 0);
	wait_for_completion(&call->completed);
	sim_client_put(call->client);
	KUNIT_EXPECT_EQ(test, call->times, 4u);
	KUNIT_EXPECT_EQ(test, call->req.result, 1);
	KUNIT_EXPECT_STREQ(test, call->wrong ?: "", "");
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 3ull);
}

static void a_suspended_device_takes_requests(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_client *client = get_client(test, 0);
	struct call *first, *second;

	sim_dev_suspend(fx->sim->dev);
	first = submit_text(test, client, "x");
	second = submit_text(test, client, "x");
	KUNIT_EXPECT_TRUE(test, cancel(client, second));
	msleep(1000);
	KUNIT_EXPECT_EQ(test, first->times, 0u);
	sim_dev_resume(fx->sim->dev);
	expect_done(test, first, 1);
	sim_client_put(client);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 0ull);
}

static struct kunit_case sim_client_cases[] = {
	KUNIT_CASE(data_are_read_back),
	KUNIT_CASE(each_end_is_told_once),
	KUNIT_CASE(bad_requests_are_refused),
	KUNIT_CASE(a_full_queue_refuses_clients_too),
	KUNIT_CASE(a_client_needs_a_bound_device),
	KUNIT_CASE(the_number_says_which_device),
	KUNIT_CASE(a_request_in_the_queue_is_taken_back),
	KUNIT_CASE(a_request_in_the_device_ends_later),
	KUNIT_CASE(a_cancelled_request_is_not_retried),
	KUNIT_CASE(a_request_that_is_done_cannot_be_cancelled),
	KUNIT_CASE(unbinding_ends_a_clients_requests),
	KUNIT_CASE(a_client_holds_its_device),
	KUNIT_CASE(putting_waits_for_what_is_outstanding),
	KUNIT_CASE(putting_waits_until_done_has_returned),
	KUNIT_CASE(done_may_submit_again),
	KUNIT_CASE(a_suspended_device_takes_requests),
	{}
};

static int make_single_slots(struct kunit_suite *suite)
{
	sim_param_devices.value = 2;
	sim_dev_defaults.slots.value = 1;
	return sim_main_init();
}

static struct kunit_suite sim_client_suite = {
	.name = "sim_client",
	.suite_init = make_single_slots,
	.suite_exit = unmake_devices,
	.init = open_device,
	.exit = close_device,
	.test_cases = sim_client_cases,
};
