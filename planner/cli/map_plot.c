/* The map drawn: the best cost over the rate, in the colours of the regions, with the costs of
 * leaving all on one side; or, where the RTT or the load varies, the regions themselves in the
 * plane of it and the rate. */
#include "planner/cli/gnuplot.h"
#include "planner/cli/map.h"

#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POINTS 400 /* along the rate */
#define ROWS   160 /* along the other axis */
#define TITLES 17  /* that the key has room for */

/* Told apart also by the colour-blind (Okabe and Ito), then lighter ones, then from the first on
 * again. */
static const char *const colors[] = {
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999",
    "#7FB8D8", "#F2CF7F", "#7FCEB9", "#E5BCD3", "#2F4B7C", "#8C510A", "#B3DE69", "#CCCCCC"};
enum { N_COLORS = sizeof colors / sizeof *colors };

static const char *color_of(size_t entry)
{
    return entry == KERF_NONE ? "#ffffff" : colors[entry % N_COLORS];
}

typedef struct scale {
    double factor;
    const char *unit;
} scale;

/* The least and the most of the best costs: each region's are at its ends. */
static void extent(const cli_map_view *view, double *least, double *most)
{
    *least = INFINITY;
    *most = 0;
    for (size_t i = 0; i < view->n_regions; i++)
        for (int end = 0; end < 2 && view->regions[i].entry != KERF_NONE; end++) {
            const double rate = view->regions[i].uplink_bps[end];
            const double cost = cli_map_cost(view, view->regions[i].entry, rate).objective;
            if (isfinite(cost)) {
                *least = fmin(*least, cost);
                *most = fmax(*most, cost);
            }
        }
}

static scale scale_of(const cli_map_view *view)
{
    const kerf_objective objective = kerf_map_about(view->map)->objective;
    double least, most;
    extent(view, &least, &most);
    if (objective == KERF_OBJ_ENERGY || objective == KERF_OBJ_TOTAL_ENERGY)
        return most >= 1 ? (scale){1, "J"} : (scale){1e3, "mJ"};
    if (objective == KERF_OBJ_LATENCY)
        return most >= 1 ? (scale){1, "s"} : (scale){1e3, "ms"};
    return (scale){1, kerf_objective_unit(objective)};
}

/* --- the second axis --- */

typedef struct second_axis {
    const char *label;
    const double *range;
    double factor; /* to the unit of the label */
    size_t field;  /* in kerf_conditions */
} second_axis;

/* The first of the other axes that varies; false if none does. */
static bool find_axis(const kerf_map *map, second_axis *axis)
{
    const kerf_map_box *box = kerf_map_range(map);
    const second_axis axes[] = {
        {"round-trip time (ms)", box->rtt_s, 1e3, offsetof(kerf_conditions, rtt_s)},
        {"server load", box->server_load, 1, offsetof(kerf_conditions, server_load)},
        {"downlink rate (Mbit/s)", box->downlink_bps, 1e-6,
         offsetof(kerf_conditions, downlink_bps)}};
    for (size_t i = 0; i < sizeof axes / sizeof *axes; i++)
        if (axes[i].range[0] < axes[i].range[1]) {
            *axis = axes[i];
            return true;
        }
    return false;
}

/* --- parts of the script --- */

static void write_header(FILE *script, const char *path, const char *title)
{
    cli_gnuplot_begin(script, path, 900, 480);
    fputs("set title ", script);
    cli_gnuplot_string(script, title);
    fputs(" noenhanced\n"
          "set border 3 linecolor rgb '#444444'\n"
          "set tics nomirror out\n"
          "set grid ytics linecolor rgb '#dddddd' linewidth 1\n"
          "set key at screen 0.73,graph 1 left top vertical Left reverse samplen 1 spacing 1.3 "
          "noenhanced\n"
          "set style fill solid 1 noborder\n"
          "set lmargin at screen 0.1\n"
          "set rmargin at screen 0.71\n"
          "set logscale x\n"
          "set xlabel \"uplink rate (Mbit/s)\"\n",
          script);
}

static void write_rates(FILE *script, const kerf_map *map)
{
    const double *rates = kerf_map_range(map)->uplink_bps;
    const double widen = rates[0] < rates[1] ? 1 : 1.01;
    fprintf(script, "set xrange [%.9g:%.9g]\n", rates[0] / widen * 1e-6, rates[1] * widen * 1e-6);
}

static void write_title_of(FILE *script, const kerf_map *map, size_t entry)
{
    char split[256], text[400];
    const kerf_map_entry *e = kerf_map_entry_at(map, entry);
    const cli_map_choice choice = cli_map_choices(map);
    cli_map_describe(e, split, sizeof split);
    if (strlen(split) > 40)
        snprintf(split + 37, sizeof split - 37, "...");
    snprintf(text, sizeof text, "%s%s%.30s%s%.20s%s%.20s", split, choice.networks ? ", " : "",
             choice.networks ? e->network : "", choice.modes ? ", " : "",
             choice.modes ? e->power_mode : "", choice.wires ? ", " : "",
             choice.wires ? e->wire : "");
    kerf_make_printable(text, '?');
    fputs(" title ", script);
    cli_gnuplot_string(script, text);
}

/* --- the cost over the rate --- */

static void write_regions(FILE *script, const cli_map_view *view, double factor)
{
    const double *all = kerf_map_range(view->map)->uplink_bps;
    for (size_t i = 0; i < view->n_regions; i++) {
        const kerf_map_region *r = &view->regions[i];
        if (r->entry == KERF_NONE)
            continue;
        fprintf(script, "$region%zu << EOD\n", i);
        const double share =
            all[0] < all[1] ? log(r->uplink_bps[1] / r->uplink_bps[0]) / log(all[1] / all[0]) : 0;
        const int n = 2 + (int)(POINTS * share);
        for (int k = 0; k <= n; k++) {
            const double rate =
                r->uplink_bps[0] * pow(r->uplink_bps[1] / r->uplink_bps[0], (double)k / n);
            fprintf(script, "%.9g %.9g\n", rate * 1e-6,
                    cli_map_cost(view, r->entry, rate).objective * factor);
        }
        fputs("EOD\n", script);
    }
}

/* All on one side, over the whole range; false where the pins or the map's making forbid it. */
static bool write_extreme(FILE *script, const cli_map_view *view, kerf_side where, double factor)
{
    if (!view->scene || !view->scene->question.network || view->scene->question.n_variants > 0)
        return false;
    kerf_question q = view->scene->question;
    kerf_link link = *q.link;
    const kerf_network *net = q.network;
    const double *rates = kerf_map_range(view->map)->uplink_bps;
    kerf_side *side = calloc(net->n_operators + 1, sizeof *side);
    bool written = side != NULL;
    q.power_mode = kerf_map_entry_at(view->map, 0)->power_mode;
    q.link = &link;
    q.server_load = view->conditions.server_load;
    link.rate_bps[KERF_DOWNLINK] = view->conditions.downlink_bps;
    link.rtt_s = view->conditions.rtt_s;
    for (size_t i = 0; side && i < net->n_operators; i++)
        side[i] = net->operators[i].constant ? KERF_SIDE_FREE : where;
    fprintf(script, "$all%d << EOD\n", (int)where);
    for (int k = 0; written && k <= POINTS / 4; k++) {
        kerf_plan_cost cost;
        link.rate_bps[KERF_UPLINK] = rates[0] * pow(rates[1] / rates[0], 4.0 * k / POINTS);
        written = kerf_price(&q, side, &cost, NULL) == KERF_OK;
        if (written && isfinite(cost.objective))
            fprintf(script, "%.9g %.9g\n", link.rate_bps[KERF_UPLINK] * 1e-6,
                    cost.objective * factor);
    }
    fputs("EOD\n", script);
    free(side);
    return written;
}

static bool is_first_of(const cli_map_view *view, size_t region)
{
    for (size_t i = 0; i < region; i++)
        if (view->regions[i].entry == view->regions[region].entry)
            return false;
    return true;
}

/* The best costs fill the picture; what all on one side costs may leave it. */
static void write_cost_range(FILE *script, const cli_map_view *view, double factor)
{
    double least, most;
    extent(view, &least, &most);
    if (!(most > 0))
        return;
    if (least > 0 && most > 10 * least)
        fprintf(script, "set logscale y\nset yrange [%.9g:%.9g]\n", least * factor / 2,
                most * factor * 4);
    else
        fprintf(script, "set yrange [0:%.9g]\n", most * factor * 1.6);
}

static void write_cost_over_rate(FILE *script, const cli_map_view *view)
{
    const scale s = scale_of(view);
    const kerf_objective objective = kerf_map_about(view->map)->objective;
    write_regions(script, view, s.factor);
    const bool device = write_extreme(script, view, KERF_SIDE_DEVICE, s.factor);
    const bool server = write_extreme(script, view, KERF_SIDE_SERVER, s.factor);
    write_cost_range(script, view, s.factor);
    fprintf(script, "set ylabel \"%s%s%s%s\"\n", kerf_objective_name(objective),
            strcmp(s.unit, "1") == 0 ? "" : " (", strcmp(s.unit, "1") == 0 ? "" : s.unit,
            strcmp(s.unit, "1") == 0 ? "" : ")");
    for (size_t i = 1; i < view->n_regions; i++)
        fprintf(script,
                "set arrow from %.9g,graph 0 to %.9g,graph 1 nohead linecolor rgb '#bbbbbb' "
                "dashtype 3 back\n",
                view->regions[i].uplink_bps[0] * 1e-6, view->regions[i].uplink_bps[0] * 1e-6);
    fputs("plot ", script);
    bool any = false;
    if (device) {
        fprintf(script,
                "$all%d using 1:2 with lines linewidth 1.5 dashtype 2 "
                "linecolor rgb '#444444' title 'if all ran on the device'",
                (int)KERF_SIDE_DEVICE);
        any = true;
    }
    if (server) {
        fprintf(script,
                "%s$all%d using 1:2 with lines linewidth 1.5 dashtype 4 "
                "linecolor rgb '#888888' title 'if all ran on the server'",
                any ? ", " : "", (int)KERF_SIDE_SERVER);
        any = true;
    }
    for (size_t i = 0; i < view->n_regions; i++) {
        const size_t entry = view->regions[i].entry;
        if (entry == KERF_NONE)
            continue;
        fprintf(script, "%s$region%zu using 1:2 with lines linewidth 4 linecolor rgb '%s'",
                any ? ", " : "", i, color_of(entry));
        if (is_first_of(view, i))
            write_title_of(script, view->map, entry);
        else
            fputs(" notitle", script);
        any = true;
    }
    if (!any)
        fputs("NaN notitle", script);
    fputc('\n', script);
}

/* --- the regions in a plane --- */

static void set_condition(kerf_conditions *c, const second_axis *axis, double value)
{
    memcpy((char *)c + axis->field, &value, sizeof value);
}

/* A rectangle for each region of each row: x from and to, y from and to. Each reaches into the next
 * row, so that no light shines through between them. Sums up the entries' areas. */
static cli_exit write_rows(FILE *script, const cli_map_view *view, const second_axis *axis,
                           double *area)
{
    kerf_conditions c = view->conditions;
    const double step = (axis->range[1] - axis->range[0]) / ROWS;
    fputs("$rows << EOD\n", script);
    for (int row = 0; row < ROWS; row++) {
        kerf_map_region *regions = NULL;
        size_t n = 0;
        kerf_error err = {0};
        const double low = axis->range[0] + row * step;
        set_condition(&c, axis, low + step / 2);
        if (kerf_map_regions(view->map, &c, &regions, &n, &err) != KERF_OK)
            return cli_report(CLI_FAILED, &err);
        for (size_t i = 0; i < n; i++) {
            if (regions[i].entry == KERF_NONE)
                continue;
            area[regions[i].entry] += log(regions[i].uplink_bps[1] / regions[i].uplink_bps[0]);
            fprintf(script, "%zu %.9g %.9g %.9g %.9g\n", regions[i].entry,
                    regions[i].uplink_bps[0] * 1e-6, regions[i].uplink_bps[1] * 1e-6,
                    low * axis->factor, fmin(low + 1.5 * step, axis->range[1]) * axis->factor);
        }
        free(regions);
    }
    fputs("EOD\n", script);
    return CLI_DONE;
}

/* Whether fewer than TITLES entries are larger. */
static bool has_title(const double *area, size_t n, size_t entry)
{
    size_t larger = 0;
    for (size_t i = 0; i < n; i++)
        larger += i < entry ? area[i] >= area[entry] : area[i] > area[entry];
    return larger < TITLES;
}

static cli_exit write_plane(FILE *script, const cli_map_view *view, const second_axis *axis)
{
    const size_t n = kerf_map_entries(view->map);
    double *area = calloc(n + 1, sizeof *area);
    if (!area)
        return cli_error(CLI_FAILED, "out of memory");
    const cli_exit status = write_rows(script, view, axis, area);
    fprintf(script, "set ylabel \"%s\"\nset yrange [%.9g:%.9g]\nplot ", axis->label,
            axis->range[0] * axis->factor, axis->range[1] * axis->factor);
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        if (area[i] <= 0)
            continue;
        fprintf(script,
                "%s$rows using ($1==%zu ? sqrt($2*$3) : NaN):($4):2:3:4:5 with boxxyerror "
                "fillcolor rgb '%s'",
                any ? ", " : "", i, color_of(i));
        if (has_title(area, n, i))
            write_title_of(script, view->map, i);
        else
            fputs(" notitle", script);
        any = true;
    }
    fputs(any ? "\n" : "NaN notitle\n", script);
    free(area);
    return status;
}

cli_exit cli_map_plot(const cli_map_view *view, const char *path)
{
    char title[256];
    const kerf_map_topic *t = kerf_map_about(view->map);
    second_axis axis;
    cli_exit status = CLI_DONE;
    FILE *script = tmpfile();
    if (!script)
        return cli_error(CLI_FAILED, "temporary file: %s", strerror(errno));
    snprintf(title, sizeof title, "%.80s: best %s, %.40s to %.40s over %.40s",
             kerf_map_entry_at(view->map, 0)->network, kerf_objective_name(t->objective),
             t->device ? t->device : "?", t->server ? t->server : "?", t->link ? t->link : "?");
    kerf_make_printable(title, '?');
    write_header(script, path, title);
    write_rates(script, view->map);
    if (find_axis(view->map, &axis))
        status = write_plane(script, view, &axis);
    else
        write_cost_over_rate(script, view);
    if (status == CLI_DONE)
        status = cli_gnuplot_run(script, path, title, "Which split is best for which uplink rate.");
    fclose(script);
    return status;
}
