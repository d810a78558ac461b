// SPDX-License-Identifier: GPL-2.0-only
// A timer_list that arms itself once a second becomes an iotimer (iotimer.h).
//
//	spatch --sp-file watchdog.cocci FILE.c FILE.h	(all files of the driver, in one call)
//
// scripts/convert calls this, after it has found out for which timers it is right: the period must be a
// second. Called alone, it converts every timer that is a member of a struct and arms itself.
// CONVERT="MEMBER..." in the environment names the members to convert. With -D linux the header is
// <linux/iotimer.h>.
//
// If every path through the callback arms the timer again, the arming goes: an iotimer runs until it is
// stopped. Else the routine begins with a stop, and the arming becomes a start, so it is called exactly
// when it was called before. Where the function that sets the timer up is a probe whose device it can
// name, the timer is created for that device. Elsewhere the device is NULL, which iotimer_create() refuses.

virtual linux

@initialize:python@
@@
import os
members = os.environ.get("CONVERT", "").split()

@setup@
expression E, F;
identifier T, fn;
@@
 timer_setup(\(&E->T\|&E.T\), fn, F)

@script:python@
T << setup.T;
@@
if members and T not in members:
    cocci.include_match(False)

@periodic@
identifier setup.fn, setup.T, t;
expression X;
@@
 void fn(struct timer_list *t)
 {
 <+...
(
 mod_timer(\(&X->T\|&X.T\|t\), ...)
|
 add_timer(\(&X->T\|&X.T\|t\))
)
 ...+>
 }

// On every path, those that return early included.
@always depends on periodic@
identifier setup.fn, setup.T, t;
expression X, Y;
position p;
@@
 void fn(struct timer_list *t)
 {
 ... when strict
(
 mod_timer@p(&X->T, Y);
|
 mod_timer@p(t, Y);
)
 ... when strict
     when any
 }

@depends on always@
expression Y;
position always.p;
@@
-mod_timer@p(..., Y);

// The callback gets the driver's struct as its context.
@callback depends on periodic@
type P;
identifier setup.fn, setup.T, t, priv;
symbol timer_dev, context;
@@
 void fn(
-	struct timer_list *t
+	struct device *timer_dev, void *context
 )
 {
 ... when any
(
-P *priv = \(from_timer\|timer_container_of\)(priv, t, T);
+P *priv = context;
|
-P *priv = container_of(t, P, T);
+P *priv = context;
|
-priv = \(from_timer\|timer_container_of\)(priv, t, T);
+priv = context;
)
 ... when any
 }

@place depends on callback && !always@
identifier setup.fn, callback.priv;
type callback.P;
position p;
@@
 fn(...)
 {
 <+...
 P *priv@p = context;
 ...+>
 }

// S1 is any statement, so S2 is the first one.
@@
identifier setup.T, callback.priv;
type callback.P;
position place.p;
statement S1, S2;
@@
 P *priv@p = context;
 ... when != S1
+iotimer_stop(priv->T);
 S2

@depends on callback && !always@
identifier setup.fn, setup.T, callback.priv;
@@
 fn(...)
 {
 <...
 priv = context;
+iotimer_stop(priv->T);
 ...>
 }

@depends on callback && !always@
identifier setup.fn, setup.T, callback.t, callback.priv;
expression Y;
@@
 fn(...)
 {
 <...
-mod_timer(t, Y)
+iotimer_start(priv->T)
 ...>
 }

@@
identifier setup.fn, t;
@@
 void fn(
-	struct timer_list *t
+	struct device *timer_dev, void *context
 );

@@
identifier setup.fn;
@@
 void fn(
-	struct timer_list *
+	struct device *timer_dev, void *context
 );

@depends on callback@
identifier setup.fn, setup.T;
expression X;
@@
(
 fn(
-	&X->T
+	NULL, X
 )
|
 fn(
-	&X.T
+	NULL, &X
 )
)

@depends on callback@
identifier setup.T;
expression X, Y;
@@
(
-X->T.expires = Y;
|
-X.T.expires = Y;
)

@depends on callback@
identifier setup.T;
expression X, Y;
@@
(
-mod_timer(&X->T, Y)
+iotimer_start(X->T)
|
-add_timer(&X->T)
+iotimer_start(X->T)
|
-\(del_timer\|timer_delete\|timer_shutdown\)(&X->T)
+iotimer_stop(X->T)
|
-\(del_timer_sync\|timer_delete_sync\|timer_shutdown_sync\)(&X->T)
+iotimer_stop_sync(X->T)
|
-timer_pending(&X->T)
+iotimer_enabled(X->T)
)

@depends on callback@
identifier setup.T;
expression X, Y;
@@
(
-mod_timer(&X.T, Y)
+iotimer_start(X.T)
|
-add_timer(&X.T)
+iotimer_start(X.T)
|
-\(del_timer\|timer_delete\|timer_shutdown\)(&X.T)
+iotimer_stop(X.T)
|
-\(del_timer_sync\|timer_delete_sync\|timer_shutdown_sync\)(&X.T)
+iotimer_stop_sync(X.T)
|
-timer_pending(&X.T)
+iotimer_enabled(X.T)
)

// Where it is made, as well as this can tell.
@probe depends on callback@
identifier setup.fn, setup.T, f, pdev;
identifier D =~ "^(pci_dev|platform_device|usb_interface|virtio_device)$";
expression X, F;
@@
 int f(..., struct D *pdev, ...)
 {
 <+...
(
-timer_setup(&X->T, fn, F);
+X->T = devm_iotimer_create(&pdev->dev, fn, X);
+if (IS_ERR(X->T))
+	return PTR_ERR(X->T);
|
-timer_setup(&X.T, fn, F);
+X.T = devm_iotimer_create(&pdev->dev, fn, &X);
+if (IS_ERR(X.T))
+	return PTR_ERR(X.T);
)
 ...+>
 }

@depends on callback@
identifier setup.fn, setup.T;
expression X, F;
@@
(
-timer_setup(&X->T, fn, F);
+X->T = iotimer_create(NULL, fn, X);
|
-timer_setup(&X.T, fn, F);
+X.T = iotimer_create(NULL, fn, &X);
)

@depends on callback@
identifier setup.T, s;
@@
 struct s {
 ...
-struct timer_list
+struct iotimer *
 T;
 ...
 };

@depends on callback && !linux@
@@
 #include <...>
+#include "iotimer.h"

@depends on callback && linux@
@@
 #include <...>
+#include <linux/iotimer.h>
