#include "planner/simulate/ask.h"

#include "base/error.h"
#include "base/json_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_S 2
#define WORTH     0.02 /* relative change of a figure that is worth asking again */

static kerf_client_options options_of(const sim_world *world)
{
    return (kerf_client_options){.endpoints = world->endpoints,
                                 .n_endpoints = world->n_endpoints,
                                 .timeout_s = TIMEOUT_S,
                                 .attempts = 2};
}

kerf_status sim_ask_check(const sim_world *world, kerf_error *err)
{
    const kerf_client_options options = options_of(world);
    kerf_client *client = NULL;
    char *reply = NULL;
    kerf_status status = kerf_client_create(&options, &client, err);
    if (status == KERF_OK)
        status = kerf_client_ask(client, "{\"op\": \"ping\"}", &reply, err);
    free(reply);
    kerf_client_destroy(&client);
    return status;
}

kerf_status sim_ask_open(const sim_world *world, size_t policy, kerf_client **client)
{
    const kerf_client_options options = options_of(world);
    bool asks = false;
    for (size_t g = 0; g < world->n_teams; g++)
        asks =
            asks || sim_team_policy(world, &world->teams[g], policy)->kind == KERF_POLICY_SERVICE;
    return asks ? kerf_client_create(&options, client, NULL) : KERF_OK;
}

static void put_quantity(kerf_writer *w, const char *key, double value, const char *unit)
{
    char text[64];
    if (!(value > 0))
        return;
    snprintf(text, sizeof text, "%.17g %s", value, unit);
    kw_put_string(w, key, text);
}

static void put_objective(kerf_writer *w, const kerf_question *q)
{
    char text[100];
    snprintf(text, sizeof text, "%s", kerf_objective_name(q->objective));
    if (q->objective == KERF_OBJ_WEIGHTED)
        snprintf(text, sizeof text, "weighted:energy=%.17g,latency=%.17g", q->weight_energy,
                 q->weight_latency);
    kw_put_string(w, "objective", text);
}

static void put_link(kerf_writer *w, const kerf_link *link)
{
    static const char *const states[] = {"cold", "warm", "new"};
    kw_put_begin(w, "link", '{');
    kw_put_string(w, "base", link->name);
    put_quantity(w, "uplink", link->rate_bps[KERF_UPLINK], "bit/s");
    put_quantity(w, "downlink", link->rate_bps[KERF_DOWNLINK], "bit/s");
    put_quantity(w, "rtt", link->rtt_s, "s");
    put_quantity(w, "gap", link->gap_s, "s");
    kw_put_string(w, "connection", states[link->connection]);
    kw_end(w, '}');
}

/* The group's question, as the protocol has it. */
static void put_question(kerf_writer *w, const sim_team *team, const kerf_link *link,
                         double slowdown, const char *current)
{
    static const char *const wires[] = {[KERF_WIRE_OWN] = "own",
                                        [KERF_WIRE_FLOAT32] = "float32",
                                        [KERF_WIRE_FLOAT16] = "float16",
                                        [KERF_WIRE_INT8] = "int8"};
    const kerf_question *q = &team->group->question;
    kw_begin(w, '{');
    kw_put_string(w, "network", q->network->name);
    kw_put_string(w, "device", q->device->name);
    kw_put_string(w, "server", q->server->name);
    put_link(w, link);
    if (q->power_mode)
        kw_put_string(w, "power_mode", q->power_mode);
    kw_put_number(w, "server_load", 1 - (1 - q->server_load) / fmax(slowdown, 1));
    put_objective(w, q);
    put_quantity(w, "deadline", q->limits.deadline_s, "s");
    put_quantity(w, "energy_budget", q->limits.energy_J, "J");
    put_quantity(w, "device_memory", q->limits.memory_bytes, "B");
    put_quantity(w, "max_bytes", q->limits.max_bytes, "B");
    put_quantity(w, "input_size", q->input_bytes, "B");
    if (q->limits.min_device_operators > 0)
        kw_put_integer(w, "min_device_operators", (int64_t)q->limits.min_device_operators);
    kw_put_string(w, "wire", wires[q->wire]);
    kw_put_string(w, "result", q->result_at_server ? "server" : "device");
    kw_put_string(w, "current", current);
    kw_end(w, '}');
}

static bool differs(double now, double then)
{
    return !(fabs(now - then) <= WORTH * fabs(then));
}

/* Most inferences meet what the one before met: then nobody is asked. */
static bool worth_asking(sim_board *b, const kerf_link *link, double slowdown)
{
    const float now[4] = {(float)link->rate_bps[0], (float)link->rate_bps[1],
                          (float)(link->rtt_s + (link->connection == KERF_CONNECTION_WARM)),
                          (float)slowdown};
    bool worth = false;
    for (int i = 0; i < 4; i++)
        worth = worth || differs((double)now[i], (double)b->asked[i]);
    if (worth)
        memcpy(b->asked, now, sizeof now);
    return worth;
}

uint32_t sim_ask(sim_run *run, const sim_team *team, uint32_t index, const kerf_link *believed,
                 double slowdown)
{
    sim_board *b = &run->board[index];
    kerf_answer *answer = NULL;
    uint32_t chosen = b->option;
    kerf_writer w = {0};
    if (!run->client || !worth_asking(b, believed, slowdown))
        return chosen;
    put_question(&w, team, believed, slowdown, team->option[b->option].cut_id);
    if (!kw_finish(&w))
        run->status = KERF_E_NOMEM;
    else if (kerf_client_plan(run->client, w.text, NULL, &answer, NULL) == KERF_OK)
        for (size_t i = 0; i < team->n_options; i++)
            if (strcmp(team->option[i].cut_id, answer->cut_id) == 0)
                chosen = (uint32_t)i;
    kerf_answer_destroy(&answer);
    free(w.text);
    return chosen;
}
