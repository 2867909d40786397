/* Decision maps: look-ups, prices and regions. */
#include "planner/map/map.h"

#include "planner/map/candidates.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- ranges --- */

static kerf_status check_range(const double range[2], const char *what, kerf_error *err)
{
    if (range[0] <= range[1]) /* written so that a NaN is refused */
        return KERF_OK;
    return kerf_fail(err, KERF_E_INVALID, what,
                     "goes from %g to %g, expected a range that does not fall", range[0], range[1]);
}

static kerf_status check_conditions(const kerf_link *link, const kerf_conditions *c,
                                    kerf_error *err)
{
    kerf_link now = *link;
    now.rate_bps[KERF_UPLINK] = c->uplink_bps;
    now.rate_bps[KERF_DOWNLINK] = c->downlink_bps;
    now.rtt_s = c->rtt_s;
    const kerf_status status = kerf_link_check(&now, err);
    if (status != KERF_OK)
        return status;
    if (!(c->server_load >= 0 && c->server_load < 1))
        return kerf_fail(err, KERF_E_INVALID, "server load", "is %g, expected 0 <= load < 1",
                         c->server_load);
    return KERF_OK;
}

kerf_status map_check_box(const kerf_link *link, const kerf_map_box *box, kerf_error *err)
{
    kerf_status status = KERF_OK;
    if ((status = check_range(box->uplink_bps, "range of uplink rates", err)) != KERF_OK ||
        (status = check_range(box->downlink_bps, "range of downlink rates", err)) != KERF_OK ||
        (status = check_range(box->rtt_s, "range of round-trip times", err)) != KERF_OK ||
        (status = check_range(box->server_load, "range of server loads", err)) != KERF_OK)
        return status;
    for (int end = 0; end < 2 && status == KERF_OK; end++) {
        const kerf_conditions corner = {box->uplink_bps[end], box->downlink_bps[end],
                                        box->rtt_s[end], box->server_load[end]};
        status = check_conditions(link, &corner, err);
    }
    return status;
}

static bool within(double value, const double range[2])
{
    return value >= range[0] && value <= range[1];
}

/* All but the uplink rate, if that is not asked for. */
static bool is_inside(const kerf_map_box *box, const kerf_conditions *c, bool rate)
{
    return (!rate || within(c->uplink_bps, box->uplink_bps)) &&
           within(c->downlink_bps, box->downlink_bps) && within(c->rtt_s, box->rtt_s) &&
           within(c->server_load, box->server_load);
}

/* --- look-ups --- */

/* Neighbours with the same single answer become one step. */
static kerf_status make_steps(kerf_map *map, kerf_error *err)
{
    const cut_cells *cells = &map->cells;
    double low[CUT_AXES], high[CUT_AXES];
    if (cells->n_axes != 1)
        return KERF_OK;
    cut_box_hardship(&map->box, low, high);
    while (!(high[map->axis] > low[map->axis]))
        map->axis++;
    map->steps = kerf_calloc(cells->n_cells, sizeof *map->steps);
    if (!map->steps)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for a map");
    const cut_cell *last = NULL;
    for (size_t i = 0; i < cells->n_cells; i++) {
        const cut_cell *cell = &cells->cells[i];
        const bool same = last && last->kind == CUT_CELL_PLAIN && cell->kind == CUT_CELL_PLAIN &&
                          last->n == cell->n &&
                          (cell->n == 0 || cells->lists[last->first] == cells->lists[cell->first]);
        if (!same)
            map->steps[map->n_steps++].cell = (uint32_t)i;
        map->steps[map->n_steps - 1].high = cell->high[map->axis];
        last = cell;
    }
    return KERF_OK;
}

kerf_status map_index(kerf_map *map, kerf_error *err)
{
    const cut_problem problem = {.link = &map->link,
                                 .objective = map->topic.objective,
                                 .weight_energy = map->topic.weight_energy,
                                 .weight_latency = map->topic.weight_latency,
                                 .limits = map->topic.limits,
                                 .result_at_server = map->topic.result_at_server};
    double low[CUT_AXES], high[CUT_AXES];
    kerf_status status = cut_field_create(&problem, map->n_entries, &map->field, err);
    for (size_t i = 0; status == KERF_OK && i < map->n_entries; i++) {
        cut_field_add(&map->field, &map->entries[i].totals, map->entries[i].wait_W);
        map_show(map, i);
    }
    cut_box_hardship(&map->box, low, high);
    if (status == KERF_OK)
        status = cut_cells_create(&map->field, low, high, NULL, NULL, &map->cells, NULL, err);
    return status == KERF_OK ? make_steps(map, err) : status;
}

static const cut_cell *step_at(const kerf_map *map, double y)
{
    size_t low = 0, high = map->n_steps - 1; /* the answer is the first with y <= high */
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (y <= map->steps[middle].high)
            high = middle;
        else
            low = middle + 1;
    }
    return &map->cells.cells[map->steps[low].cell];
}

size_t kerf_map_find(const kerf_map *map, const kerf_conditions *conditions)
{
    double y[CUT_AXES];
    if (!is_inside(&map->box, conditions, true))
        return KERF_NONE;
    cut_hardship(conditions, y);
    const cut_cell *cell = map->n_steps ? step_at(map, y[map->axis]) : cut_cells_at(&map->cells, y);
    const uint32_t *list = map->cells.lists + cell->first;
    if (cell->kind == CUT_CELL_PLAIN)
        return cell->n ? list[0] : KERF_NONE;
    cut_outlook at;
    cut_outlook_at(&map->field, conditions, &at);
    return cut_field_best_of(&map->field, list, cell->n, &at);
}

/* --- prices --- */

void map_problem(const kerf_map *map, size_t entry, cut_problem *problem)
{
    *problem = (cut_problem){.n = map->entries[entry].n_placed,
                             .link = &map->link,
                             .wait_W = map->entries[entry].wait_W,
                             .result_at_server = map->topic.result_at_server,
                             .objective = map->topic.objective,
                             .weight_energy = map->topic.weight_energy,
                             .weight_latency = map->topic.weight_latency,
                             .limits = map->topic.limits};
}

kerf_status kerf_map_price(const kerf_map *map, size_t entry, const kerf_conditions *conditions,
                           kerf_plan_cost *cost, kerf_error *err)
{
    kerf_error_clear(err);
    if (entry >= map->n_entries)
        return kerf_fail(err, KERF_E_INVALID, "entry", "is %zu, expected less than %zu", entry,
                         map->n_entries);
    const kerf_status status = check_conditions(&map->link, conditions, err);
    if (status != KERF_OK)
        return status;
    cut_problem problem;
    cut_value v;
    map_problem(map, entry, &problem);
    cut_candidate_price(&problem, &map->entries[entry].totals, conditions, &v);
    const double throughput = v.slowest_s > 0 ? 1 / v.slowest_s : INFINITY;
    *cost = (kerf_plan_cost){.device_energy_J = v.energy_J,
                             .latency_s = v.latency_s,
                             .throughput_per_s = throughput,
                             .compute_J = v.device_J,
                             .uplink_J = v.up_J,
                             .wait_J = v.wait_J,
                             .downlink_J = v.down_J,
                             .radio_fixed_J = v.fixed_J,
                             .device_s = v.device_s,
                             .uplink_s = v.up_s,
                             .server_s = v.server_s,
                             .downlink_s = v.down_s,
                             .server_energy_J = v.server_J,
                             .uplink_bytes = v.up_bytes,
                             .downlink_bytes = v.down_bytes,
                             .device_memory_bytes = v.memory_bytes,
                             .objective = problem.objective == KERF_OBJ_THROUGHPUT ? throughput
                                                                                   : v.objective};
    return KERF_OK;
}

/* --- regions --- */

/* The answer in a cell that is no border. */
static size_t answer_in(const kerf_map *map, const cut_cells *cells, const cut_cell *cell)
{
    const uint32_t *list = cells->lists + cell->first;
    if (cell->kind == CUT_CELL_PLAIN || cell->kind == CUT_CELL_EQUAL)
        return cell->n ? list[0] : KERF_NONE;
    cut_outlook at;
    cut_outlook_hard(&map->field, cell->low, &at);
    return cut_field_best_of(&map->field, list, cell->n, &at);
}

/* Cells ascend in 1 / rate. A border is where the answers of two cells meet, or in the middle of
 * the narrow cells between them. */
static size_t regions_of(const kerf_map *map, const cut_cells *cells, kerf_map_region *regions)
{
    size_t n = 0;
    double border = map->box.uplink_bps[0];
    for (size_t i = cells->n_cells; i-- > 0;) {
        const cut_cell *cell = &cells->cells[i];
        if (cell->kind == CUT_CELL_NARROW && cells->n_cells > 1)
            continue;
        const size_t answer = answer_in(map, cells, cell);
        if (n == 0 || regions[n - 1].entry != answer) {
            if (n > 0) {
                border = 2 / (cell->high[CUT_UP] + 1 / border);
                regions[n - 1].uplink_bps[1] = border;
            }
            regions[n++] = (kerf_map_region){.uplink_bps = {border}, .entry = answer};
        }
        border = 1 / cell->low[CUT_UP];
    }
    if (n == 0) /* the whole range is a border */
        regions[n++] = (kerf_map_region){.uplink_bps = {border},
                                         .entry = answer_in(map, cells, &cells->cells[0])};
    regions[n - 1].uplink_bps[1] = map->box.uplink_bps[1];
    return n;
}

kerf_status kerf_map_regions(const kerf_map *map, const kerf_conditions *conditions,
                             kerf_map_region **regions, size_t *n, kerf_error *err)
{
    kerf_error_clear(err);
    kerf_conditions at = conditions ? *conditions : kerf_map_conditions(map);
    if (!is_inside(&map->box, &at, false))
        return kerf_fail(err, KERF_E_INVALID, "conditions", "lie outside the map's box");
    double low[CUT_AXES], high[CUT_AXES];
    at.uplink_bps = map->box.uplink_bps[1];
    cut_hardship(&at, low);
    at.uplink_bps = map->box.uplink_bps[0];
    cut_hardship(&at, high);
    cut_cells cells = {0};
    kerf_status status = cut_cells_create(&map->field, low, high, NULL, NULL, &cells, NULL, err);
    if (status != KERF_OK)
        return status;
    kerf_map_region *list = kerf_calloc(cells.n_cells + 1, sizeof *list);
    if (list) {
        *n = regions_of(map, &cells, list);
        *regions = list;
    } else {
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for a map's regions");
    }
    cut_cells_clear(&cells);
    return status;
}

/* --- what it holds --- */

void map_show(kerf_map *map, size_t entry)
{
    map_entry *e = &map->entries[entry];
    const map_network *net = &map->networks[e->network];
    e->shown.power_mode = e->power_mode;
    e->shown.wire = e->wire;
    e->shown.network = net->name;
    e->shown.side = e->side;
    e->shown.operators = (const char *const *)net->operators;
    e->shown.n_operators = net->n_operators;
    e->shown.n_device_operators = e->totals.device_operators;
    e->shown.tensors = e->tensors;
    e->shown.wire_bytes = e->totals.up_bytes;
}

const kerf_map_box *kerf_map_range(const kerf_map *map)
{
    return &map->box;
}

kerf_conditions kerf_map_conditions(const kerf_map *map)
{
    return map->conditions;
}

const kerf_map_topic *kerf_map_about(const kerf_map *map)
{
    return &map->topic;
}

size_t kerf_map_entries(const kerf_map *map)
{
    return map->n_entries;
}

const kerf_map_entry *kerf_map_entry_at(const kerf_map *map, size_t entry)
{
    return entry < map->n_entries ? &map->entries[entry].shown : NULL;
}

static void clear_entry(map_entry *e)
{
    for (size_t i = 0; e->tensors && i < e->shown.n_tensors; i++) {
        free((char *)e->tensors[i].name);
        free((char *)e->tensors[i].producer);
        free((char *)e->tensors[i].type);
        free((int64_t *)e->tensors[i].dims);
    }
    free(e->tensors);
    free(e->side);
    free(e->power_mode);
    free(e->wire);
}

void kerf_map_destroy(kerf_map **map)
{
    if (!map || !*map)
        return;
    kerf_map *m = *map;
    for (size_t i = 0; m->entries && i < m->n_entries; i++)
        clear_entry(&m->entries[i]);
    for (size_t i = 0; m->networks && i < m->n_networks; i++) {
        for (size_t k = 0; m->networks[i].operators && k < m->networks[i].n_operators; k++)
            free(m->networks[i].operators[k]);
        free(m->networks[i].operators);
        free(m->networks[i].name);
    }
    for (int i = 0; i < 4; i++)
        free(m->names[i]);
    free(m->entries);
    free(m->networks);
    free(m->steps);
    cut_field_clear(&m->field);
    cut_cells_clear(&m->cells);
    free(m);
    *map = NULL;
}
