// SPDX-License-Identifier: GPL-2.0-only
/* Requests that succeed, asynchronous ones, and how errors are reported. Part of sim_dev_test.c. */

static void request_loops_data_back(struct kunit *test)
{
	struct fixture *fx = test->priv;

	KUNIT_EXPECT_EQ(test, write_text(fx, "hello"), 5);
	expect_read(test, "hello");
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 0ull);
}

static void results_come_in_order(struct kunit *test)
{
	struct fixture *fx = test->priv;

	KUNIT_EXPECT_EQ(test, queue_text(fx, "one"), 3);
	KUNIT_EXPECT_EQ(test, queue_text(fx, "two"), 3);
	KUNIT_EXPECT_EQ(test, write_text(fx, "three"), 5);
	KUNIT_EXPECT_EQ(test, queue_text(fx, "four"), 4);
	expect_read(test, "one");
	expect_read(test, "two");
	expect_read(test, "three");
	expect_read(test, "four");
	expect_read(test, "");	/* nothing is outstanding */
}

static void a_short_operation_is_a_short_write(struct kunit *test)
{
	struct fixture *fx = test->priv;
	char back[8] = "";
	ssize_t len;

	command(fx, "short");
	len = write_text(fx, "abcdef");
	KUNIT_EXPECT_GE(test, len, (ssize_t)1);
	KUNIT_EXPECT_LE(test, len, (ssize_t)5);
	KUNIT_EXPECT_EQ(test, do_read(fx, back, sizeof(back), false), len);
	KUNIT_EXPECT_EQ(test, memcmp(back, "abcdef", len), 0);
	KUNIT_EXPECT_EQ(test, do_read(fx, back, sizeof(back), false), 0);
	command(fx, "short");
	KUNIT_EXPECT_EQ(test, write_text(fx, "x"), -EIO);	/* not 0 */
}

static void a_short_buffer_gets_the_rest_next(struct kunit *test)
{
	struct fixture *fx = test->priv;
	char back[8] = "";

	write_text(fx, "abcdef");
	write_text(fx, "gh");
	KUNIT_EXPECT_EQ(test, do_read(fx, back, 4, false), 4);
	KUNIT_EXPECT_EQ(test, memcmp(back, "abcd", 4), 0);
	KUNIT_EXPECT_EQ(test, do_read(fx, back, 4, false), 2);
	KUNIT_EXPECT_EQ(test, memcmp(back, "ef", 2), 0);
	expect_read(test, "gh");
}

static void sizes_are_checked(struct kunit *test)
{
	struct fixture *fx = test->priv;
	u8 *data = kunit_kzalloc(test, 4097, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, data);
	KUNIT_EXPECT_EQ(test, do_write(fx, data, 4097, false), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, do_write(fx, data, 0, false), 0);
	KUNIT_EXPECT_EQ(test, GREW(fx, submitted), 0ull);
	KUNIT_EXPECT_EQ(test, do_write(fx, data, 4096, false), 4096);
	KUNIT_EXPECT_EQ(test, do_write(fx, data, 1, false), 1);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 2ull);
}

static void nonblocking_read_waits_for_nothing(struct kunit *test)
{
	struct fixture *fx = test->priv;
	char back[8];

	KUNIT_EXPECT_EQ(test, do_read(fx, back, 8, true), 0);
	sim_hw_set_ms(fx->sim->hw, SIM_HW_LATENCY, 800);
	queue_text(fx, "x");
	KUNIT_EXPECT_EQ(test, do_read(fx, back, 8, true), -EAGAIN);
	wait_until_idle(fx->sim);
	KUNIT_EXPECT_EQ(test, do_read(fx, back, 8, true), 1);
	KUNIT_EXPECT_EQ(test, do_read(fx, back, 8, true), 0);
}

static void a_full_queue_says_eagain(struct kunit *test)
{
	struct fixture *fx = test->priv;
	unsigned int i;

	sim_hw_set_ms(fx->sim->hw, SIM_HW_LATENCY, 800);
	for (i = 0; i < sim_dev_defaults.queue_depth.value; i++)
		KUNIT_EXPECT_EQ(test, queue_text(fx, "x"), 1);
	KUNIT_EXPECT_EQ(test, queue_text(fx, "x"), -EAGAIN);
	KUNIT_EXPECT_TRUE(test, polls(fx, 0));
	KUNIT_EXPECT_EQ(test, GREW(fx, submitted), 0ull + i);
	sim_hw_set_ms(fx->sim->hw, SIM_HW_LATENCY, 5);
	KUNIT_EXPECT_EQ(test, write_text(fx, "y"), 1);	/* waits for room */
}

static void sixty_four_unread_results_say_enobufs(struct kunit *test)
{
	struct fixture *fx = test->priv;
	unsigned int i;

	sim_hw_set_ms(fx->sim->hw, SIM_HW_LATENCY, 0);
	for (i = 0; i < SIM_FILE_MAX_RESULTS; i++)
		KUNIT_EXPECT_EQ(test, write_text(fx, "x"), 1);
	KUNIT_EXPECT_EQ(test, write_text(fx, "x"), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, queue_text(fx, "x"), -ENOBUFS);
	expect_read(test, "x");
	KUNIT_EXPECT_EQ(test, write_text(fx, "x"), 1);
}

static void poll_tells_both_directions(struct kunit *test)
{
	struct fixture *fx = test->priv;
	const __poll_t in = EPOLLIN | EPOLLRDNORM;
	const __poll_t out = EPOLLOUT | EPOLLWRNORM;

	KUNIT_EXPECT_TRUE(test, polls(fx, in | out));	/* read() returns 0 */
	sim_hw_set_ms(fx->sim->hw, SIM_HW_LATENCY, 800);
	queue_text(fx, "x");
	KUNIT_EXPECT_TRUE(test, polls(fx, out));
	wait_until_idle(fx->sim);
	KUNIT_EXPECT_TRUE(test, polls(fx, in | out));
	expect_read(test, "x");
	KUNIT_EXPECT_TRUE(test, polls(fx, in | out));
	fx->file->keeps_results = false;		/* opened for writing */
	KUNIT_EXPECT_TRUE(test, polls(fx, out));
}

struct writer {
	struct fixture *fx;
	struct work_struct work;
	unsigned int done;
};

static void write_a_lot(struct work_struct *work)
{
	struct writer *w = container_of(work, struct writer, work);

	while (w->done < 3000 && write_text(w->fx, "x") == 1)
		w->done++;
}

/*
 * As fast as possible, from several CPUs: an operation may start and end while
 * the previous one is still in its interrupt handler on another CPU.
 */
static void no_interrupt_is_lost_at_latency_zero(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct writer *w = kunit_kcalloc(test, 3, sizeof(*w), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, w);
	command(fx, "latency 0");
	for (i = 0; i < 3; i++) {
		w[i].fx = open_another(test, fx->sim);
		w[i].fx->file->keeps_results = false;
		INIT_WORK(&w[i].work, write_a_lot);
		queue_work(system_unbound_wq, &w[i].work);
	}
	for (i = 0; i < 3; i++) {
		flush_work(&w[i].work);
		KUNIT_EXPECT_EQ(test, w[i].done, 3000u);
		sim_file_free(w[i].fx->file);
	}
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 0ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 9000ull);
}

/* Asynchronous requests */

struct async {
	struct kiocb iocb;
	struct sim_dev *sim;
	struct completion completed;
	unsigned int times;
	long result;
	bool locked;
};

static void async_completed(struct kiocb *iocb, long result)
{
	struct async *async = container_of(iocb, struct async, iocb);
	unsigned long flags;

	/* Would hang if it were called under the lock. */
	if (spin_trylock_irqsave(&async->sim->lock, flags))
		spin_unlock_irqrestore(&async->sim->lock, flags);
	else
		async->locked = true;
	async->times++;
	async->result = result;
	complete(&async->completed);
}

static struct async *async_alloc(struct kunit *test, struct fixture *fx)
{
	struct async *async = kunit_kzalloc(test, sizeof(*async), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, async);
	async->sim = fx->sim;
	async->iocb.ki_filp = &fx->filp;
	async->iocb.ki_complete = async_completed;
	init_completion(&async->completed);
	return async;
}

static ssize_t write_async(struct async *async, const char *text, int flags)
{
	struct kvec vec = { (void *)text, strlen(text) };
	struct iov_iter iter;

	async->iocb.ki_filp->f_flags = 0;
	async->iocb.ki_flags = flags;
	iov_iter_kvec(&iter, WRITE, &vec, 1, vec.iov_len);
	return sim_file_write_iter(&async->iocb, &iter);
}

static void expect_async(struct kunit *test, struct async *async, long result)
{
	wait_for_completion(&async->completed);
	KUNIT_EXPECT_EQ(test, async->result, result);
	KUNIT_EXPECT_EQ(test, async->times, 1u);
	if (num_online_cpus() == 1)	/* with more, another CPU may hold the lock */
		KUNIT_EXPECT_FALSE(test, async->locked);
}

static void an_asynchronous_request_completes_when_it_is_done(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct async *async = async_alloc(test, fx);

	command(fx, "latency 300");
	KUNIT_EXPECT_EQ(test, write_async(async, "later", 0), -EIOCBQUEUED);
	KUNIT_EXPECT_EQ(test, async->times, 0u);
	expect_async(test, async, 5);
	expect_read(test, "later");
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 1ull);
}

static void nowait_means_no_wait_for_room_only(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct async *first = async_alloc(test, fx);
	struct async *second = async_alloc(test, fx);
	unsigned int i;

	command(fx, "latency 300");
	KUNIT_EXPECT_EQ(test, write_async(first, "x", IOCB_NOWAIT), -EIOCBQUEUED);
	for (i = 1; i < sim_dev_defaults.queue_depth.value; i++)
		queue_text(fx, "x");
	KUNIT_EXPECT_EQ(test, write_async(second, "x", IOCB_NOWAIT), -EAGAIN);
	expect_async(test, first, 1);
	command(fx, "latency 0");
	KUNIT_EXPECT_EQ(test, write_async(second, "x", 0), -EIOCBQUEUED);
	expect_async(test, second, 1);
}

static void an_asynchronous_request_gets_its_error(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct async *async = async_alloc(test, fx);

	command(fx, "error");
	KUNIT_EXPECT_EQ(test, write_async(async, "x", 0), -EIOCBQUEUED);
	expect_async(test, async, -EIO);
	expect_read(test, "");		/* read() does not report it too */
	KUNIT_EXPECT_EQ(test, GREW(fx, failed), 1ull);
}

static void unbinding_completes_asynchronous_requests(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct async *first = async_alloc(test, fx);
	struct async *second = async_alloc(test, fx);
	struct device *dev = fx->sim->dev;

	command(fx, "hang");
	write_async(first, "in flight", 0);
	write_async(second, "queued", 0);
	device_release_driver(dev);
	expect_async(test, first, -ENODEV);
	expect_async(test, second, -ENODEV);
	KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
}

/* Errors that nobody reads */

static int flush(struct fixture *fx)
{
	return sim_file_fsync(&fx->filp, 0, LLONG_MAX, 0);
}

static void fsync_tells_an_error_once(struct kunit *test)
{
	struct fixture *fx = test->priv;
	ktime_t began = ktime_get();

	fx->file->keeps_results = false;
	command(fx, "latency 300");
	command(fx, "error");
	queue_text(fx, "x");
	queue_text(fx, "y");
	KUNIT_EXPECT_EQ(test, flush(fx), -EIO);
	KUNIT_EXPECT_GE(test, ktime_ms_delta(ktime_get(), began), 600ll);
	KUNIT_EXPECT_EQ(test, flush(fx), 0);
	KUNIT_EXPECT_EQ(test, write_text(fx, "z"), 1);
}

static void the_next_write_tells_an_error_once(struct kunit *test)
{
	struct fixture *fx = test->priv;

	fx->file->keeps_results = false;
	command(fx, "error");
	queue_text(fx, "x");
	wait_until_idle(fx->sim);
	KUNIT_EXPECT_TRUE(test, polls(fx, EPOLLOUT | EPOLLWRNORM));
	KUNIT_EXPECT_EQ(test, queue_text(fx, "y"), -EIO);
	KUNIT_EXPECT_EQ(test, GREW(fx, submitted), 1ull);
	KUNIT_EXPECT_EQ(test, queue_text(fx, "y"), 1);
	KUNIT_EXPECT_EQ(test, flush(fx), 0);
}
