// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules by which faults strike. Corrupt and short results are left out of all that is
 * injected at random: no other role could tell such a result from the driver's mistake.
 * The taster has them strike requests of a size that nobody else writes.
 */
#include "device.h"

#define MAX_RULES_TEXT	16384
#define TASTES		6	/* requests */

/* A rule, as the control node lists it. */
struct rule {
	unsigned int number;
	unsigned long struck, times;	/* @times is 0 if the rule has no end */
	char text[160];
};

/* Read a number behind a word; 0 if the word is not there. */
static unsigned long behind(const char *text, const char *word)
{
	const char *at = strstr(text, word);

	return at ? strtoul(at + strlen(word), NULL, 10) : 0;
}

/*
 * List the rules, which must be in their order and have struck no more often than they
 * may. Returns how many there are.
 */
static unsigned int list_rules(struct rule *rules, unsigned int max)
{
	static __thread char text[MAX_RULES_TEXT];
	unsigned int nr = 0, last = 0;
	char *rest = text, *line;
	ssize_t len;
	int fd;

	fd = open_dev(true, O_RDONLY);
	if (fd < 0)
		return 0;
	len = read(fd, text, sizeof(text) - 1);
	if (len < 0 && (errno != ENODEV || !plan->unbound))
		die("device %u: read of the control node: %m", dev);
	close(fd);
	text[len < 0 ? 0 : len] = '\0';
	while ((line = strsep(&rest, "\n")) && nr < max) {
		struct rule *rule = &rules[nr];

		if (sscanf(line, "rule %u: ", &rule->number) != 1)
			continue;
		snprintf(rule->text, sizeof(rule->text), "%s", line);
		rule->struck = behind(line, " struck ");
		rule->times = behind(line, " times ");
		if (rule->number <= last || (rule->times && rule->struck > rule->times))
			die("device %u, behind rule %u: '%s'", dev, last, line);
		last = rule->number;
		nr++;
	}
	return nr;
}

/* Drop a rule, unless somebody has cleared them all meanwhile. */
static void drop_rule(const struct rule *rule)
{
	int fd = open_dev(true, O_WRONLY), len;
	char line[32];

	if (fd < 0)
		return;
	len = snprintf(line, sizeof(line), "drop %u", rule->number);
	if (write(fd, line, len) == len)
		count(DROPS);
	else if (errno != ENOENT && (errno != ENODEV || !plan->unbound))
		die("device %u: '%s': %m", dev, line);
	close(fd);
}

/* Drop one of the rules: one that has struck, if there is one. */
void drop_any_rule(void)
{
	static __thread struct rule rules[64];
	unsigned int nr = list_rules(rules, ARRAY_SIZE(rules)), which, i;

	if (!nr)
		return;
	which = below(nr);
	for (i = 0; i < nr && !rules[which].struck; i++)
		which = (which + 1) % nr;
	if (rules[which].struck)
		count(STRUCK);
	drop_rule(&rules[which]);
}

/* Add a rule; one of those that silence the device is undone after a while. */
void add_any_rule(void)
{
	switch (below(13)) {
	case 0:
		inject("rule hang chance 1/%u", 20 + below(100));
		break;
	case 1:
		inject("rule hang after %u every 3 times %u", below(20), 1 + below(2 * slots));
		break;
	case 2:
		inject("rule late %u chance 1/%u times 5", 500 + below(3000), 5 + below(50));
		break;
	case 3:
		inject("rule error size 32-%u times %u", 33 + below(500), 1 + below(9));
		break;
	case 4:
		inject("rule reset-hang chance 1/3\nrule hang times 1");
		break;
	case 5:
		inject("rule reset-lost every 2 times 3\nrule hang every 9 times 2");
		break;
	case 6 ... 7:
		inject("rule abort-hang chance 1/2\nrule hang every %u times 3", 2 + below(20));
		break;
	case 8:
		inject("rule lost slot %u times %u", below(slots), 1 + below(20));
		break;
	case 9:
		inject("seed %u\nrule duplicate after %u chance 1/%u", below(1000), below(100),
		       2 + below(20));
		break;
	case 10:
		inject("rule spurious %u every %u times 9", 1 + below(5), 5 + below(50));
		break;
	case 11:
		inject("rule storm %u times 1", 1 + below(200));
		break;
	case 12:
		inject("rule %s after %u times 1", below(2) ? "dead" : "gone", below(50));
		doze(2000000);
		inject("revive");
		break;
	}
	count(RULES);
	if (below(2)) {		/* before another fault's turn clears all rules */
		doze(2000000);
		drop_any_rule();
	}
}

/* What the taster knows of its requests. */
struct taste {
	bool shorter;		/* short, else corrupt */
	unsigned int len;	/* of each */
	unsigned int wrong, failed;
};

static unsigned int bits_in_which_differ(const uint8_t *a, const uint8_t *b, size_t len)
{
	unsigned int bits = 0;

	while (len--)
		bits += __builtin_popcount(*a++ ^ *b++);
	return bits;
}

/* Have one request done. It may be wrong by one bit, or too short, but not otherwise. */
static void taste_one(struct taste *taste, int fd)
{
	uint8_t data[MAX_REQUEST], got[MAX_REQUEST];
	unsigned int bits;
	ssize_t ret, len;
	size_t i;

	for (i = 0; i < taste->len; i++)
		data[i] = rng(&luck);
	ret = write(fd, data, taste->len);
	/* A success of fewer bytes is one too. */
	if (enter_blocking(ret, ret < 0 ? taste->len : ret)) {
		taste->failed++;
		return;
	}
	len = read(fd, got, sizeof(got));
	if (len != ret)
		die("device %u: write() returned %zd, read() %zd, %m", dev, ret, len);
	if (len < 1 || len > taste->len || (len < taste->len && !taste->shorter))
		die("device %u: %zd bytes of %u came back", dev, len, taste->len);
	bits = bits_in_which_differ(data, got, len);
	if (bits > 1 || (bits && taste->shorter))
		die("device %u: %u bits of %zd bytes are wrong", dev, bits, len);
	taste->wrong += bits || len < taste->len;
	progress();
}

static unsigned long restarts(void)
{
	struct snapshot s;

	look(&s);
	return s.retries + s.innocent;
}

/* Find the taster's rule; false if somebody has cleared it. */
static bool find_rule(const struct taste *taste, struct rule *found)
{
	static __thread struct rule rules[64];
	unsigned int nr = list_rules(rules, ARRAY_SIZE(rules)), i;
	char size[32];

	snprintf(size, sizeof(size), " size %u struck", taste->len);
	for (i = 0; i < nr; i++) {
		if (!strstr(rules[i].text, size))
			continue;
		*found = rules[i];
		return true;
	}
	return false;
}

/*
 * A rule makes some requests of one size corrupt or short. The wrong results must be those
 * that it has struck, but for requests that failed or were started again; once the rule is
 * dropped, there is none.
 */
void do_taste(void)
{
	struct taste taste = { .shorter = below(2), .len = 2 + below(30) };
	int fd = open_dev(false, O_RDWR), i;
	unsigned long before;
	struct rule rule;
	bool found;

	pthread_mutex_lock(&faults_lock);
	before = restarts();
	inject("rule %s chance 1/2 size %u", taste.shorter ? "short" : "corrupt", taste.len);
	for (i = 0; i < TASTES; i++)
		taste_one(&taste, fd);
	found = find_rule(&taste, &rule);
	if (found && (taste.wrong > rule.struck ||
		      rule.struck > taste.wrong + taste.failed + restarts() - before))
		die("device %u: %u results are wrong, %u requests failed, %lu were started again, but '%s'",
		    dev, taste.wrong, taste.failed, restarts() - before, rule.text);
	if (taste.wrong)
		count(taste.shorter ? SHORTER : CORRUPTED);
	if (found)
		drop_rule(&rule);
	pthread_mutex_unlock(&faults_lock);

	taste.wrong = 0;
	for (i = 0; i < TASTES / 2; i++)
		taste_one(&taste, fd);
	if (taste.wrong)
		die("device %u: %u results are wrong, without a rule", dev, taste.wrong);
	close(fd);
	doze(2000000);
}
