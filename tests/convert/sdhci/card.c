// SPDX-License-Identifier: GPL-2.0-only
/*
 * card - commands, reads and writes of an SD card, past the page cache
 *
 *	card status N			send CMD13 N times
 *	card write|read SEED FIRST N	N blocks of 4 KiB whose content follows from
 *					SEED and the block's number; a read compares
 *	card load SEED FIRST N OPS	write and read them in random order, OPS times
 *	card cost status|read|write N	print how long one of N takes, in ns
 *
 * The first three print "ERROR MILLISECONDS", "OK 12" if all is well.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mmc/ioctl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define CARD		"/dev/mmcblk0"
#define RCA		"/sys/block/mmcblk0/device/rca"
#define BLOCK		4096
#define SEND_STATUS	13
#define RESPONSE_R1	0x15	/* the kernel's MMC_RSP_R1 | MMC_CMD_AC */

static int card;
static unsigned int rca;
static char buffer[BLOCK] __attribute__((aligned(BLOCK)));
static char wanted[BLOCK];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* xorshift64 */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* What a block contains after its Nth write. */
static void content(char *block, uint64_t seed, uint64_t number, uint64_t nth)
{
	uint64_t state = (seed + 1) * 0x9e3779b97f4a7c15ull + number * 0x100000001b3ull + nth;

	for (unsigned int i = 0; i < BLOCK; i += 8) {
		uint64_t word = next_random(&state);

		memcpy(block + i, &word, 8);
	}
}

/* Each of these returns 0 or an errno. */
static int send_status(void)
{
	struct mmc_ioc_cmd cmd = {
		.opcode = SEND_STATUS,
		.arg = rca << 16,
		.flags = RESPONSE_R1,
	};

	return ioctl(card, MMC_IOC_CMD, &cmd) ? errno : 0;
}

static int write_block(uint64_t seed, uint64_t number, uint64_t nth)
{
	ssize_t done;

	content(buffer, seed, number, nth);
	done = pwrite(card, buffer, BLOCK, number * BLOCK);
	return done == BLOCK ? 0 : done < 0 ? errno : EIO;
}

/* EBADMSG: it is not what was written. */
static int read_block(uint64_t seed, uint64_t number, uint64_t nth)
{
	ssize_t done = pread(card, buffer, BLOCK, number * BLOCK);

	content(wanted, seed, number, nth);
	if (done != BLOCK)
		return done < 0 ? errno : EIO;
	return memcmp(buffer, wanted, BLOCK) ? EBADMSG : 0;
}

static int load(uint64_t seed, uint64_t first, uint64_t count, uint64_t ops)
{
	unsigned int *writes = calloc(count, sizeof(*writes));
	uint64_t state = seed + 1, block;
	int err = 0;

	if (!writes)
		return ENOMEM;
	while (ops-- && !err) {
		block = next_random(&state) % count;
		if (!writes[block] || next_random(&state) % 2)
			err = write_block(seed, first + block, ++writes[block]);
		else
			err = read_block(seed, first + block, writes[block]);
		if (!err && ops % 8 == 0)
			err = send_status();
	}
	free(writes);
	return err;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The median, since in some of them something else runs too. */
static int cost(const char *what, uint64_t count)
{
	uint64_t *ns = calloc(count + 1, sizeof(*ns));
	int err = ns ? 0 : ENOMEM;

	for (uint64_t i = 0; i < count && !err; i++) {
		ns[i] = now_ns();
		if (!strcmp(what, "status"))
			err = send_status();
		else if (!strcmp(what, "read"))
			err = pread(card, buffer, BLOCK, i * BLOCK) == BLOCK ? 0 : EIO;
		else
			err = pwrite(card, buffer, BLOCK, i * BLOCK) == BLOCK ? 0 : EIO;
		ns[i] = now_ns() - ns[i];
	}
	if (!err) {
		qsort(ns, count, sizeof(*ns), compare);
		printf("%llu\n", (unsigned long long)ns[count / 2]);
	}
	free(ns);
	return err;
}

static int read_rca(void)
{
	FILE *file = fopen(RCA, "r");
	int found = file ? fscanf(file, "%x", &rca) : 0;

	if (file)
		fclose(file);
	return found == 1 ? 0 : ENODEV;
}

int main(int argc, char **argv)
{
	uint64_t n[5] = { 0 }, began = now_ns();
	int err = 0;

	for (int i = 2; i < argc && i < 6; i++)
		n[i - 2] = strtoull(argv[i], NULL, 0);
	card = open(CARD, O_RDWR | O_DIRECT);
	if (argc < 3 || card < 0)
		err = argc < 3 ? EINVAL : errno;
	else
		err = read_rca();
	if (!err && !strcmp(argv[1], "cost"))
		return cost(argv[2], n[1]) != 0;
	if (!err && !strcmp(argv[1], "load"))
		err = load(n[0], n[1], n[2], n[3]);
	else if (!err && !strcmp(argv[1], "status"))
		for (uint64_t i = 0; i < n[0] && !err; i++)
			err = send_status();
	else if (!err)
		for (uint64_t i = n[1]; i < n[1] + n[2] && !err; i++)
			err = *argv[1] == 'w' ? write_block(n[0], i, 0) : read_block(n[0], i, 0);
	printf("%s %llu\n", err ? strerrorname_np(err) : "OK",
	       (unsigned long long)(now_ns() - began) / 1000000);
	return err != 0;
}
