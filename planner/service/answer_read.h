/* Replies of the service, as a client reads them: nothing in them is trusted. */
#ifndef KERF_SERVICE_ANSWER_READ_H
#define KERF_SERVICE_ANSWER_READ_H

#include "kerf/client.h"
#include "planner/service/protocol.h"

/* A plan's document; a reply to `plan` or `state`; an announcement. On failure *answer is as it
 * was. An error reply becomes the status that it stands for; "overloaded" is KERF_E_IO. */
kerf_status answer_of_plan(const char *json, size_t size, kerf_answer **answer, kerf_error *err);
kerf_status answer_of_reply(const char *reply, size_t size, kerf_answer **answer, kerf_error *err);
kerf_status answer_of_announcement(const char *text, size_t size, kerf_answer **answer,
                                   kerf_error *err);

/* True if the reply is an error, with its code (SE_INTERNAL if it is not known) and text. */
bool answer_refusal(const char *reply, service_code *code, kerf_error *refusal);

#endif
