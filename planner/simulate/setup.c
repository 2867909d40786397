/* A run's beginning and end. */
#include "planner/simulate/ask.h"
#include "planner/simulate/life.h"

#include "base/memory.h"

#include <stdlib.h>

#define FIRST_ROW 1000 /* offloads in a row, before any were made: worth a try */

sim_path sim_board_path(const sim_run *run, const sim_team *team, uint32_t index)
{
    const sim_board *b = &run->board[index];
    return (sim_path){.link = team->link,
                      .offset_s = b->offset_s,
                      .key = run->key,
                      .who = index,
                      .down = b->down};
}

/* Where in the traces a board begins. */
static double offset_of(const sim_run *run, const sim_link *link, size_t index, size_t in_group)
{
    double longest = 0;
    for (int d = 0; d < 2; d++)
        if (link->trace[d])
            longest = fmax(longest, kerf_trace_period(link->trace[d]));
    if (link->rtt)
        longest = fmax(longest, kerf_trace_period(link->rtt));
    switch (link->offset) {
    case SIM_OFFSET_RANDOM:
        return longest * sim_uniform(run->key, index, SIM_STREAM_OFFSET, 0);
    case SIM_OFFSET_STEP:
        return longest > 0 ? fmod(link->offset_s * (double)in_group, longest) : 0;
    case SIM_OFFSET_SAME:
        break;
    }
    return link->offset_s;
}

static void make_boards(sim_run *run, size_t g)
{
    const sim_team *team = &run->world->teams[g];
    for (size_t i = 0; i < team->group->count; i++) {
        const size_t index = team->first_board + i;
        sim_board *b = &run->board[index];
        b->team = (uint32_t)g;
        b->last_end[0] = b->last_end[1] = -INFINITY;
        b->aside = SIM_NO_ASIDE;
        b->mean_row = FIRST_ROW;
        b->offset_s = offset_of(run, team->link, index, i);
        b->option = (uint32_t)team->planned;
        sim_down_begin(&team->link->faults, run->key, index, &b->down);
        sim_arrivals_begin(&team->group->arrivals, run->key, index, &b->arrivals);
    }
}

static bool make_queues(sim_run *run)
{
    const sim_world *w = run->world;
    size_t total = 0;
    run->queue_at = kerf_calloc(w->n_teams, sizeof *run->queue_at);
    if (!run->queue_at)
        return false;
    for (size_t g = 0; g < w->n_teams; g++) {
        run->queue_at[g] = total;
        total += w->teams[g].group->count * w->teams[g].group->queue; /* at most 2^27 * 2^16 */
    }
    run->queue = kerf_calloc(total, sizeof *run->queue);
    return run->queue != NULL;
}

static bool make_shared(sim_run *run)
{
    const kerf_scenario *s = run->world->scenario;
    run->station = kerf_calloc(s->n_servers, sizeof *run->station);
    run->air = kerf_calloc(2 * s->n_access_points, sizeof *run->air);
    run->tally = kerf_calloc(s->n_groups, sizeof *run->tally);
    run->link = kerf_calloc(s->n_links, sizeof *run->link);
    run->point = kerf_calloc(s->n_access_points, sizeof *run->point);
    if (!run->station || !run->air || !run->tally || !run->link || !run->point)
        return false;
    for (size_t i = 0; i < s->n_groups; i++) {
        sim_sketch_init(&run->tally[i].latency);
        sim_sketch_init(&run->tally[i].energy);
    }
    for (size_t i = 0; i < s->n_servers; i++) {
        if (!sim_station_init(&run->station[i], &s->servers[i], run->key,
                              UINT64_C(0x5e00000000) + i, run->from_s, run->to_s))
            return false;
        run->station[i].load = run->series ? &run->series->load[i] : NULL;
    }
    for (size_t i = 0; i < 2 * s->n_access_points; i++) {
        const sim_access_point *ap = &s->access_points[i / 2];
        /* Both directions are down at the same times. */
        sim_air_init(&run->air[i], ap->rate_bps[i & 1], ap->trace[i & 1], &ap->faults, run->key,
                     UINT64_C(0xac00000000) + i / 2);
        run->air[i].context = run;
        for (size_t l = 0; l < s->n_links; l++) {
            const sim_link *link = &s->links[l];
            const bool varies =
                link->trace[0] || link->trace[1] || link->faults.n > 0 || link->faults.mtbf_s > 0;
            if (link->access_point == i / 2 && varies)
                run->air[i].cap = i & 1 ? sim_downlink_cap : sim_uplink_cap;
        }
    }
    return true;
}

kerf_status sim_run_make(const sim_world *world, size_t policy, size_t replication, uint64_t seed,
                         sim_series *series, sim_run *run)
{
    const kerf_scenario *s = world->scenario;
    *run = (sim_run){.world = world,
                     .policy = policy,
                     .replication = replication,
                     .series = series,
                     .key = sim_key(seed, replication),
                     .from_s = s->warmup_s,
                     .to_s = world->duration_s,
                     .active = world->n_boards,
                     .spare_free = KERF_NONE};
    const size_t entities = world->n_boards + s->n_servers + 2 * s->n_access_points;
    run->board = kerf_calloc(world->n_boards, sizeof *run->board);
    if (!run->board || !sim_heap_init(&run->heap, entities) || !make_queues(run) ||
        !make_shared(run))
        return KERF_E_NOMEM;
    const kerf_status opened = sim_ask_open(world, policy, &run->client);
    if (opened != KERF_OK)
        return opened;
    for (size_t g = 0; g < world->n_teams; g++)
        make_boards(run, g);
    for (size_t i = 0; i < world->n_boards; i++) {
        sim_board *b = &run->board[i];
        sim_believe(run, sim_board_team(run, b), (uint32_t)i, 0);
        sim_next_inference(run, b, 0);
    }
    for (size_t i = 0; i < s->n_servers; i++)
        if (!sim_station_is_direct(&run->station[i]))
            sim_heap_set(&run->heap, sim_station_entity(run, i),
                         sim_station_next(&run->station[i]));
    return run->status;
}

void sim_run_clear(sim_run *run)
{
    const kerf_scenario *s = run->world->scenario;
    for (size_t i = 0; run->station && i < s->n_servers; i++)
        if (run->station[i].server)
            sim_station_clear(&run->station[i]);
    for (size_t i = 0; run->air && i < 2 * s->n_access_points; i++)
        sim_air_clear(&run->air[i]);
    kerf_client_destroy(&run->client);
    sim_heap_clear(&run->heap);
    free(run->board);
    free(run->queue);
    free(run->queue_at);
    free(run->station);
    free(run->air);
    free(run->tally);
    free(run->link);
    free(run->point);
    free(run->spare);
    free(run->spare_next);
    *run = (sim_run){.world = run->world};
}
