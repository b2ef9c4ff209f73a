#include "message.h"

#include "log.h"

#define MESSAGE(name, id, level, subject, help) [MESSAGE_##name] = { id, level },
const struct message_row message_rows[MESSAGE_COUNT] = {
#include "message_rows.h"
};
