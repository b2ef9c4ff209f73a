#pragma once

#include "client.h"

/* Daemons that give the same answers under one name: the sockets NAME.sock and NAME@*.sock of a
 * runtime directory, found again as they come and go. Each request goes to the next of them in
 * turn. One that is not there, does not answer in time or says that it cannot, is passed over for a
 * while, and has to report itself ready before it gets requests again. Only for requests that may
 * be asked twice. One thread at a time. */

struct instances;

#define INSTANCES_MAX 64

/* How many bytes of a file's name are that of the daemon `name` or of one of its instances, where the
 * rest is `ending`: all but ".sock" of "catalogd@2.sock". 0: it is another file. */
size_t instance_in(const char *file, const char *name, const char *ending);

/* Looks for nobody yet. 0 or -ENOMEM. */
int instances_open(struct instances **ret, const char *runtime_dir, const char *name);
void instances_close(struct instances *instances);

/* As connection_call, by whoever answers; the last one's failure when nobody did in time. */
int instances_call(struct instances *instances, struct arena *arena, const char *operation,
	const struct record *request_record, const void *request, int64_t timeout_ms,
	const struct record *reply_record, void *ret_reply, struct answer *ret_answer);

/* Whether it is the instance's own failure, so that another one may do better. */
bool instances_pass_over(int result);

/* Which sockets there are and how each last failed, for people: "/run/orderd/catalogd.sock (no
 * answer), ...". In the arena; NULL: no memory. */
const char *instances_tried(const struct instances *instances, struct arena *arena);
