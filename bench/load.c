#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "protocol.h"
#include "zmtp.h"

#define OPEN_DEPTH 1024 /* most outstanding on one connection in the open loop */
#define PROGRESS_US 500000

struct slot {
	uint64_t since_us;
	bool busy;
};

struct link {
	struct zmtp zmtp;
	struct slot *slots;
	unsigned *spare; /* a stack of free slots */
	unsigned spare_count;
	bool writable_wanted;
};

struct run {
	const struct load *load;
	struct load_result *result;
	struct link *links;
	unsigned depth;
	uint64_t sent, answered;
	uint64_t began_us, heard_us, shown_us;
	unsigned turn;
	struct buffer frame;
	struct arena *arena;
	int epoll;
};

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int link_open(struct run *run, struct link *link)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = link };
	int result = zmtp_open(&link->zmtp, run->load->socket_path, 5000);

	if (result < 0)
		return result;
	link->slots = calloc(run->depth, sizeof(*link->slots));
	link->spare = calloc(run->depth, sizeof(*link->spare));
	if (!link->slots || !link->spare)
		return -ENOMEM;
	for (unsigned i = 0; i < run->depth; i++)
		link->spare[link->spare_count++] = run->depth - 1 - i;
	return epoll_ctl(run->epoll, EPOLL_CTL_ADD, link->zmtp.fd, &event) < 0 ? -errno : 0;
}

static int link_put(struct run *run, struct link *link, uint64_t since_us)
{
	unsigned slot = link->spare[--link->spare_count];
	struct buffer *frame = &run->frame;
	uint32_t count = 2;
	size_t map;

	link->slots[slot] = (struct slot){ since_us, true };
	buffer_reset(frame);
	map = pack_open_map(frame);
	pack_str(frame, "v");
	pack_u64(frame, PROTOCOL_VERSION);
	pack_str(frame, "id");
	pack_u64(frame, slot);
	count += run->load->request(run->load->argument, run->sent++, frame);
	pack_close(frame, map, count);
	return frame->error ? frame->error : zmtp_put(&link->zmtp, frame->at, frame->size);
}

static int link_flush(struct run *run, struct link *link)
{
	int result = zmtp_flush(&link->zmtp);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = link };
	bool wanted = result == -EAGAIN;

	if (result < 0 && !wanted)
		return result;
	if (wanted == link->writable_wanted)
		return 0;
	link->writable_wanted = wanted;
	event.events |= wanted ? EPOLLOUT : 0;
	return epoll_ctl(run->epoll, EPOLL_CTL_MOD, link->zmtp.fd, &event) < 0 ? -errno : 0;
}

static int answer_take(struct run *run, struct link *link, const uint8_t *body, size_t size)
{
	const struct value *map, *id, *code;
	uint64_t now = now_us();

	arena_reset(run->arena);
	if (codec_parse(run->arena, body, size, &map) < 0)
		return -EBADMSG;
	id = value_find(map, "id");
	code = value_find(map, "code");
	if (!id || !code || id->type != VALUE_UINT || id->u64 >= run->depth ||
		!link->slots[id->u64].busy)
		return -EBADMSG;
	link->slots[id->u64].busy = false;
	link->spare[link->spare_count++] = (unsigned)id->u64;
	histogram_add(&run->result->times, now - link->slots[id->u64].since_us);
	run->answered++;
	run->heard_us = now;
	if (code->u64 == 0) {
		run->result->done++;
	} else if (run->result->refused++ == 0) {
		run->result->first_code = (int64_t)code->u64;
	}
	return 0;
}

static int link_read(struct run *run, struct link *link)
{
	const uint8_t *body;
	size_t size;
	int result = zmtp_fill(&link->zmtp);

	while (result == 0 && zmtp_take(&link->zmtp, &body, &size))
		result = answer_take(run, link, body, size);
	return result;
}

/* --- when to send --------------------------------------------------------------------------- */

static int closed_send(struct run *run, struct link *link)
{
	int result = 0;

	while (result == 0 && link->spare_count > 0 && run->sent < run->load->requests)
		result = link_put(run, link, now_us());
	return result < 0 ? result : link_flush(run, link);
}

static uint64_t due_us(const struct run *run)
{
	return run->began_us + (uint64_t)((double)run->sent * 1e6 / run->load->rate);
}

/* Everything that is due by now, to the connections in turn. */
static int open_send(struct run *run)
{
	uint64_t now = now_us();
	int result = 0;

	while (result == 0 && run->sent < run->load->requests && due_us(run) <= now) {
		struct link *link = &run->links[run->turn++ % run->load->connections];

		if (link->spare_count == 0)
			break;
		result = link_put(run, link, due_us(run));
		if (result == 0)
			result = link_flush(run, link);
	}
	return result;
}

static int wait_ms(const struct run *run)
{
	uint64_t now = now_us();

	if (run->load->rate <= 0 || run->sent >= run->load->requests)
		return 100;
	return due_us(run) > now ? (int)((due_us(run) - now) / 1000) : 0;
}

static void progress(struct run *run)
{
	uint64_t now = now_us();

	if (run->load->quiet || now - run->shown_us < PROGRESS_US)
		return;
	run->shown_us = now;
	fprintf(stderr, "\r%llu of %llu, %.0f/s ", (unsigned long long)run->answered,
		(unsigned long long)run->load->requests,
		(double)run->answered * 1e6 / (double)(now - run->began_us));
}

static int run_step(struct run *run)
{
	struct epoll_event events[256];
	int count = epoll_wait(run->epoll, events, 256, wait_ms(run));
	int result = 0;

	for (int i = 0; result == 0 && i < count; i++) {
		struct link *link = events[i].data.ptr;

		if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			result = link_read(run, link);
		if (result == 0)
			result = run->load->rate > 0 ? link_flush(run, link)
						     : closed_send(run, link);
	}
	if (result == 0 && run->load->rate > 0)
		result = open_send(run);
	progress(run);
	return result;
}

static int run_all(struct run *run)
{
	int result = 0;

	run->began_us = run->heard_us = run->shown_us = now_us();
	for (unsigned i = 0; result == 0 && run->load->rate <= 0 && i < run->load->connections; i++)
		result = closed_send(run, &run->links[i]);
	while (result == 0 && run->answered < run->load->requests) {
		result = run_step(run);
		if (now_us() - run->heard_us > LOAD_PATIENCE_MS * 1000)
			break;
	}
	run->result->seconds = (double)(run->heard_us - run->began_us) / 1e6;
	run->result->lost = run->sent - run->answered;
	if (!run->load->quiet)
		fputs("\r                                        \r", stderr);
	return result;
}

static void run_done(struct run *run)
{
	for (unsigned i = 0; run->links && i < run->load->connections; i++) {
		if (run->links[i].slots)
			zmtp_close(&run->links[i].zmtp);
		free(run->links[i].slots);
		free(run->links[i].spare);
	}
	free(run->links);
	buffer_done(&run->frame);
	arena_free(run->arena);
	if (run->epoll >= 0)
		close(run->epoll);
}

int load_run(const struct load *load, struct load_result *ret)
{
	struct run run = {
		.load = load,
		.result = ret,
		.depth = load->rate > 0 ? OPEN_DEPTH : load->depth,
		.links = calloc(load->connections, sizeof(struct link)),
		.arena = arena_new(),
		.epoll = epoll_create1(EPOLL_CLOEXEC),
	};
	int result = run.links && run.arena && run.epoll >= 0 ? 0 : -ENOMEM;

	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; result == 0 && i < load->connections; i++)
		result = link_open(&run, &run.links[i]);
	if (result == 0)
		result = run_all(&run);
	run_done(&run);
	return result;
}
