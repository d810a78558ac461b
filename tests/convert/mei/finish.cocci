// SPDX-License-Identifier: GPL-2.0-only
// mei: the two counters that mei_timer() counts down become io_countdowns, its delayed work an iotimer
// whose routine queues the work, since what the work does when a time is up sleeps.
//
// The limits were meant as seconds, but the delayed work counted every other second, and its delays
// added up: 15 s were 30.2. As a delayed work of one second it would still take 16.4, since a timer
// of a second may be 32 ms late, each time.
//
// The work stops the timer, counts, and starts the timer again if there is more to count; all under
// device_lock. So nothing is lost in between, and a device in a state that counts nothing is not
// started again: after such a state is set, one stop of the timer and then of the work is enough.
//
// The work may be late. A countdown that is set after a tick but before its work has not seen that
// second, so it gets one more: `tick_due` is 1 then.

@@
expression E;
@@
(
-E->init_clients_timer = 0
+io_countdown_clear(&E->init_clients_timer)
|
-E->timer_count = 0
+io_countdown_clear(&E->timer_count)
)

@@
expression E, limit;
@@
(
-E->init_clients_timer = limit
+io_countdown_set(&E->init_clients_timer, limit + READ_ONCE(dev->tick_due))
|
-E->timer_count = limit
+io_countdown_set(&E->timer_count, limit + READ_ONCE(dev->tick_due))
)

@@
expression E;
@@
(
- --E->init_clients_timer == 0
+io_countdown_tick(&E->init_clients_timer)
|
- --E->timer_count == 0
+io_countdown_tick(&E->timer_count)
)

@@
expression E;
@@
(
 if (
-E->init_clients_timer
+io_countdown_running(&E->init_clients_timer)
 ) { ... }
|
 if (
-E->timer_count
+io_countdown_running(&E->timer_count)
 ) { ... }
)

// Made: zeros are no countdown.
@@
identifier cl;
@@
 mei_cl_init(struct mei_cl *cl, ...)
 {
 ...
 memset(cl, 0, sizeof(*cl));
+io_countdown_init(&cl->timer_count);
 ...
 }

@@
@@
 mei_device_init(struct mei_device *dev, ...)
 {
 ...
 dev->reset_count = 0;
+io_countdown_init(&dev->init_clients_timer);
 ...
 }

@@
@@
 struct mei_cl {
 ...
-u8 timer_count;
+struct io_countdown timer_count;
 ...
 };

@@
@@
 struct mei_device {
 ...
-u16 init_clients_timer;
+struct io_countdown init_clients_timer;
 ...
 };

// ---- The timer

@@
@@
 struct mei_device {
 ...
-struct delayed_work timer_work;
+struct work_struct timer_work;
+/* NULL before mei_start() */
+struct iotimer *timer;
+/* timer_work is still to count a tick: 0 or 1 */
+int tick_due;
 ...
 };

@@
@@
-#define MEI_STALL_TIMER_FREQ (2 * HZ)

// Interrupts come before mei_start(), and may reset the device.
@@
@@
 mei_schedule_stall_timer(struct mei_device *dev)
 {
-schedule_delayed_work(&dev->timer_work, MEI_STALL_TIMER_FREQ);
+if (dev->timer)
+	iotimer_start(dev->timer);
 }

@@
@@
 mei_timer(struct work_struct *work)
 {
 <...
-container_of(work, struct mei_device, timer_work.work)
+container_of(work, struct mei_device, timer_work)
 ...>
 }

@@
@@
 mei_timer(struct work_struct *work)
 {
 ...
 mutex_lock(&dev->device_lock);
+iotimer_stop(dev->timer);
+WRITE_ONCE(dev->tick_due, 0);
 ...
 }

// Another client's start may have been stopped above.
@@
@@
 mei_timer(struct work_struct *work)
 {
 <...
 mei_connect_timeout(...);
+reschedule_timer = true;
 ...>
 }

// At resume, after mei_restart(), which succeeds only if there is a timer.
@@
expression E;
@@
-schedule_delayed_work(&E->timer_work, HZ);
+iotimer_start(E->timer);

@@
@@
-INIT_DELAYED_WORK(&dev->timer_work, mei_timer);
+INIT_WORK(&dev->timer_work, mei_timer);

// A start that failed may have left no timer.
@@
@@
-cancel_delayed_work_sync(&dev->timer_work);
+if (dev->timer)
+	iotimer_stop_sync(dev->timer);
+cancel_work_sync(&dev->timer_work);
+WRITE_ONCE(dev->tick_due, 0);

// All drivers call mei_start() in their probe.
@@
@@
+static void mei_tick(struct device *unused, void *context)
+{
+	struct mei_device *dev = context;
+
+	if (!xchg(&dev->tick_due, 1))
+		schedule_work(&dev->timer_work);
+}
+
 int mei_start(struct mei_device *dev)
 {
+struct iotimer *timer;
 int ret;
 mutex_lock(&dev->device_lock);
+timer = devm_iotimer_create(dev->dev, mei_tick, dev);
+if (IS_ERR(timer))
+	goto err;
+dev->timer = timer;
 ...
 }

// The device of the bus is `parent` where mei's own is in its structure.
@newer@
expression E;
@@
 dev->parent = E;

@depends on newer@
@@
 devm_iotimer_create(
-	dev->dev
+	dev->parent
	, ...)

// Some drivers go on after a start that failed. Without a timer nothing may start the device later.
@@
@@
 int mei_restart(struct mei_device *dev)
 {
 int err;
+
+if (!dev->timer)
+	return -ENODEV;
 ...
 }

@@
@@
 #include <linux/mei_cl_bus.h>
+#include "io_timeout.h"
+#include "iotimer.h"
