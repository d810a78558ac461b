// SPDX-License-Identifier: GPL-2.0-only
/*
 * mei_mock - firmware for mei that answers some requests, and then falls silent
 *
 * Gives mei operations that touch no hardware. What mei writes is answered by a work,
 * as the interrupt's thread does. The parameter "answers" is how many of these the
 * firmware answers after each reset: version, enumeration, properties of its one
 * client, connection. The report tells how long mei waited for an answer that never
 * came, until it reset the hardware.
 */
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "mei_dev.h"
#include "hbm.h"

static unsigned int answers = UINT_MAX;
module_param(answers, uint, 0644);
MODULE_PARM_DESC(answers, "how many requests the firmware answers after a reset (default: all)");

static bool early;
module_param(early, bool, 0444);
MODULE_PARM_DESC(early, "an interrupt resets the device before it is started");

static bool refused;
module_param(refused, bool, 0444);
MODULE_PARM_DESC(refused, "the start gets no timer; go on all the same, and restart, as at resume");

#define SLOTS		128	/* of four bytes, in either direction */
#define CLIENT		1	/* address of the firmware's client; also in mei.c */

static const uuid_le client_name = UUID_LE(0x12345678, 0x1234, 0x5678,
					   0x9a, 0xbc, 0xde, 0xf0, 0x12, 0x34, 0x56, 0x78);

/* Protected by mei's device_lock. */
struct mock {
	struct mei_device *mei;
	struct work_struct work;		/* the interrupt's thread */
	u32 answer[SLOTS];			/* a header and a message */
	unsigned int length;			/* of the answer, in slots; 0 if there is none */
	unsigned int answered;			/* since the last reset */
	bool silent;
	ktime_t since;				/* the request that was not answered */
	unsigned int resets;			/* the first is the start */
	s64 last_ms;				/* how long it was silent */
	bool counted;				/* mei did, while the system was suspended */
	int restart;				/* mei_restart()'s result after a refused start */
};

static struct mock mock;

#ifdef _IOTIMER_H			/* mei is converted */
static bool counts(struct mei_device *mei) { return mei->timer && iotimer_enabled(mei->timer); }
static void start_counting(struct mei_device *mei) { iotimer_start(mei->timer); }
#else
static bool counts(struct mei_device *mei) { return delayed_work_pending(&mei->timer_work); }
static void start_counting(struct mei_device *mei) { schedule_delayed_work(&mei->timer_work, HZ); }
#endif

static const char *state_name(enum mei_dev_state state)
{
	switch (state) {
	case MEI_DEV_ENABLED:
		return "enabled";
	case MEI_DEV_DISABLED:
		return "disabled";
	default:
		return "starting";
	}
}

static int report_get(char *buffer, const struct kernel_param *kp)
{
	struct mei_device *mei = mock.mei;
	int length;

	mutex_lock(&mei->device_lock);
	length = sysfs_emit(buffer,
			    "resets=%u last_ms=%lld state=%s counts=%d suspended=%d restart=%d\n",
			    mock.resets, mock.last_ms, state_name(mei->dev_state), counts(mei),
			    mock.counted, mock.restart);
	mutex_unlock(&mei->device_lock);
	return length;
}

/* All that mei does waits meanwhile. */
static int hold_set(const char *ms, const struct kernel_param *kp)
{
	unsigned int length;
	int err = kstrtouint(ms, 0, &length);

	if (err)
		return err;
	mutex_lock(&mock.mei->device_lock);
	msleep(length);
	mutex_unlock(&mock.mei->device_lock);
	return 0;
}

static const struct kernel_param_ops hold_ops = {
	.set = hold_set,
};
module_param_cb(hold_ms, &hold_ops, NULL, 0200);
MODULE_PARM_DESC(hold_ms, "hold mei's lock for so long");

static const struct kernel_param_ops report_ops = {
	.get = report_get,
};
module_param_cb(report, &report_ops, NULL, 0444);
MODULE_PARM_DESC(report, "resets; silence before the last; state; does mei count? did it while suspended? restart");

/* Queue an answer of @length bytes. */
static void answer(const void *message, unsigned int length)
{
	struct mei_msg_hdr header = { .length = length, .msg_complete = 1 };

	memcpy(&mock.answer[0], &header, sizeof(u32));
	memcpy(&mock.answer[1], message, length);
	mock.length = 1 + DIV_ROUND_UP(length, 4);
	schedule_work(&mock.work);
}

/* Answer a request. False if there is no such request. */
static bool handle(const u8 *request)
{
	switch (request[0]) {
	case HOST_START_REQ_CMD: {
		/* An old version, which needs no more than the requests below. */
		struct hbm_host_version_response r = {
			.hbm_cmd = HOST_START_RES_CMD, .me_max_version = { .major_version = 1 },
		};

		answer(&r, sizeof(r));
		return true;
	}
	case HOST_ENUM_REQ_CMD: {
		struct hbm_host_enum_response r = {
			.hbm_cmd = HOST_ENUM_RES_CMD, .valid_addresses = { BIT(CLIENT) },
		};

		answer(&r, sizeof(r));
		return true;
	}
	case HOST_CLIENT_PROPERTIES_REQ_CMD: {
		struct hbm_props_response r = {
			.hbm_cmd = HOST_CLIENT_PROPERTIES_RES_CMD, .me_addr = CLIENT,
			.client_properties = {
				.protocol_name = client_name,
				.max_number_of_connections = 1,
				.max_msg_length = 64,
			},
		};

		answer(&r, sizeof(r));
		return true;
	}
	case CLIENT_CONNECT_REQ_CMD:
	case CLIENT_DISCONNECT_REQ_CMD: {
		const struct hbm_client_connect_request *c = (const void *)request;
		struct hbm_client_connect_response r = {
			.hbm_cmd = request[0] == CLIENT_CONNECT_REQ_CMD ? CLIENT_CONNECT_RES_CMD :
									  CLIENT_DISCONNECT_RES_CMD,
			.me_addr = c->me_addr, .host_addr = c->host_addr,
		};

		answer(&r, sizeof(r));
		return true;
	}
	default:
		return false;
	}
}

static int mock_write(struct mei_device *mei, const void *header, size_t header_length,
		      const void *data, size_t length)
{
	if (mock.answered < answers) {
		mock.answered += handle(data);
	} else if (!mock.silent) {
		mock.silent = true;
		mock.since = ktime_get();
	}
	return 0;
}

/* As the thread of an interrupt. */
static void interrupt(struct work_struct *work)
{
	struct mei_device *mei = mock.mei;
	LIST_HEAD(done);
	s32 slots;

	mutex_lock(&mei->device_lock);
	slots = mock.length;
	while (slots > 0 && !mei_irq_read_handler(mei, &done, &slots))
		;
	mei->hbuf_is_ready = true;
	mei_irq_write_handler(mei, &done);
	mei->hbuf_is_ready = true;
	mei_irq_compl_handler(mei, &done);
	mutex_unlock(&mei->device_lock);
}

static u32 read_header(const struct mei_device *mei)
{
	return mock.answer[0];
}

static int read_message(struct mei_device *mei, unsigned char *buffer, unsigned long length)
{
	memcpy(buffer, &mock.answer[1], length);
	mock.length = 0;
	return 0;
}

static int hw_reset(struct mei_device *mei, bool enable)
{
	if (mock.silent)
		mock.last_ms = ktime_ms_delta(ktime_get(), mock.since);
	mock.resets++;
	mock.silent = false;
	mock.answered = 0;
	mock.length = 0;
	return 0;
}

static bool yes(struct mei_device *mei) { return true; }
static bool no(struct mei_device *mei) { return false; }
static int ok(struct mei_device *mei) { return 0; }
static void nothing(struct mei_device *mei) {}
static enum mei_pg_state powered(struct mei_device *mei) { return MEI_PG_OFF; }
static int free_slots(struct mei_device *mei) { return SLOTS; }
static u32 all_slots(const struct mei_device *mei) { return SLOTS; }
static int full_slots(struct mei_device *mei) { return mock.length; }
static int no_trc(struct mei_device *mei, u32 *trc) { return -EOPNOTSUPP; }

static int no_status(struct mei_device *mei, struct mei_fw_status *status)
{
	status->count = 0;
	return 0;
}

static const struct mei_hw_ops ops = {
	.host_is_ready = yes,
	.hw_is_ready = yes,
	.hw_reset = hw_reset,
	.hw_start = ok,
	.hw_config = ok,
	.fw_status = no_status,
	.trc_status = no_trc,
	.pg_state = powered,
	.pg_in_transition = no,
	.pg_is_enabled = no,
	.intr_clear = nothing,
	.intr_enable = nothing,
	.intr_disable = nothing,
	.synchronize_irq = nothing,
	.hbuf_free_slots = free_slots,
	.hbuf_is_ready = yes,
	.hbuf_depth = all_slots,
	.write = mock_write,
	.rdbuf_full_slots = full_slots,
	.read_hdr = read_header,
	.read = read_message,
};

static void let_go(void *unused)
{
	mei_deregister(mock.mei);
#ifndef MEI_FREES_ITSELF
	kfree(mock.mei);
#endif
}

static void stop(void *unused)
{
	mei_stop(mock.mei);
	cancel_work_sync(&mock.work);
}

/* Start without a timer: the device that the timer would belong to is hidden. */
static int start_refused(struct mei_device *mei)
{
#ifdef MEI_FREES_ITSELF			/* there this is the device of the bus */
	struct device **parent = &mei->parent;
#else
	struct device **parent = &mei->dev;
#endif
	struct device *hidden = *parent;
	int err;

	*parent = NULL;
	err = mei_start(mei);
	*parent = hidden;
	if (!err)
		return -EINVAL;
	mock.restart = mei_restart(mei);
	return 0;
}

static int start(struct mei_device *mei)
{
	if (refused)
		return start_refused(mei);
	if (early) {
		mutex_lock(&mei->device_lock);
		mei_reset(mei);
		mutex_unlock(&mei->device_lock);
	}
	return mei_start(mei);
}

static int __init mock_probe(struct platform_device *pdev)
{
	int err;

	err = devm_pm_runtime_enable(&pdev->dev);
	if (err)
		return err;
	mock.mei = kzalloc(sizeof(*mock.mei), GFP_KERNEL);
	if (!mock.mei)
		return -ENOMEM;
	INIT_WORK(&mock.work, interrupt);
	mei_device_init(mock.mei, &pdev->dev, false, &ops);
	err = mei_register(mock.mei, &pdev->dev);
	if (err) {
		kfree(mock.mei);
		return err;
	}
	err = devm_add_action_or_reset(&pdev->dev, let_go, NULL);
	if (err)
		return err;
	err = start(mock.mei);
	if (err)
		return err;
	return devm_add_action_or_reset(&pdev->dev, stop, NULL);
}

/* Suspend and resume do what mei's PCI drivers do. */
static int mock_suspend(struct device *unused)
{
	mei_stop(mock.mei);
	mock.counted = counts(mock.mei);
	return 0;
}

static int mock_resume(struct device *unused)
{
	int err = mei_restart(mock.mei);

	if (!err)
		start_counting(mock.mei);
	return err;
}

static DEFINE_SIMPLE_DEV_PM_OPS(mock_pm_ops, mock_suspend, mock_resume);

static struct platform_driver driver = {
	.driver.name = "mei_mock",
	.driver.pm = pm_sleep_ptr(&mock_pm_ops),
};

static struct platform_device *device;

static int __init mock_init(void)
{
	device = platform_create_bundle(&driver, mock_probe, NULL, 0, NULL, 0);
	return PTR_ERR_OR_ZERO(device);
}

static void __exit mock_exit(void)
{
	platform_device_unregister(device);
	platform_driver_unregister(&driver);
}

module_init(mock_init);
module_exit(mock_exit);
MODULE_DESCRIPTION("Firmware for mei that falls silent");
MODULE_LICENSE("GPL");
