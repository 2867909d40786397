/* The cost over the split point, drawn: every cut that keeps the network's order, stacked by part.
 */
#include "planner/cli/gnuplot.h"
#include "planner/cli/plan.h"

#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_POINTS   600 /* split points drawn; beyond that they are thinned out evenly */
#define MIN_POINTS   100
#define MAX_PRICINGS 4000000 /* points times operators: each is priced in full */

/* One layer of a stack. Colours tell apart also for the colour-blind (Okabe and Ito). */
typedef struct layer {
    const char *label;
    size_t field; /* offset in kerf_plan_cost */
    const char *color;
} layer;

typedef struct panel {
    const char *label; /* of the y axis, without the unit */
    size_t total;      /* field whose maximum sets the unit */
    kerf_quantity kind;
    const layer *layers;
    size_t n_layers;
} panel;

#define AT(name) offsetof(kerf_plan_cost, name)
static const layer energy_layers[] = {{"compute", AT(compute_J), "#0072B2"},
                                      {"uplink", AT(uplink_J), "#E69F00"},
                                      {"wait for the result", AT(wait_J), "#56B4E9"},
                                      {"downlink", AT(downlink_J), "#CC79A7"},
                                      {"radio's start and tail", AT(radio_fixed_J), "#F0E442"}};
static const layer total_energy_layers[] = {
    {"compute", AT(compute_J), "#0072B2"},
    {"uplink", AT(uplink_J), "#E69F00"},
    {"wait for the result", AT(wait_J), "#56B4E9"},
    {"downlink", AT(downlink_J), "#CC79A7"},
    {"radio's start and tail", AT(radio_fixed_J), "#F0E442"},
    {"server", AT(server_energy_J), "#999999"}};
static const layer latency_layers[] = {{"device", AT(device_s), "#0072B2"},
                                       {"uplink", AT(uplink_s), "#E69F00"},
                                       {"server", AT(server_s), "#999999"},
                                       {"downlink", AT(downlink_s), "#CC79A7"}};
static const layer throughput_layers[] = {{"throughput", AT(throughput_per_s), "#0072B2"}};

#define PANEL(LABEL, TOTAL, KIND, LAYERS)                                                          \
    {                                                                                              \
        LABEL, AT(TOTAL), KIND, LAYERS, sizeof LAYERS / sizeof *LAYERS                             \
    }
static const panel energy_panel =
    PANEL("device energy", device_energy_J, KERF_ENERGY, energy_layers);
static const panel total_energy_panel =
    PANEL("energy, device and server", device_energy_J, KERF_ENERGY, total_energy_layers);
static const panel latency_panel = PANEL("latency", latency_s, KERF_TIME, latency_layers);
static const panel throughput_panel =
    PANEL("throughput", throughput_per_s, KERF_FRACTION, throughput_layers);

static size_t panels_of(kerf_objective objective, const panel *panels[2])
{
    switch (objective) {
    case KERF_OBJ_LATENCY:
        panels[0] = &latency_panel;
        return 1;
    case KERF_OBJ_THROUGHPUT:
        panels[0] = &throughput_panel;
        return 1;
    case KERF_OBJ_TOTAL_ENERGY:
        panels[0] = &total_energy_panel;
        return 1;
    case KERF_OBJ_EDP:
    case KERF_OBJ_WEIGHTED:
        panels[0] = &energy_panel;
        panels[1] = &latency_panel;
        return 2;
    default:
        panels[0] = &energy_panel;
        return 1;
    }
}

/* --- the points --- */

typedef struct point {
    size_t operators; /* on the device */
    kerf_plan_cost cost;
} point;

typedef struct curve {
    point *points;
    size_t n;
    size_t best;   /* of the points drawn, by the objective */
    size_t chosen; /* the plan's place among the points, KERF_NONE if it is no prefix */
    size_t step;
    bool best_is_better; /* than the plan, which has constraints to keep */
} curve;

static double figure(const kerf_plan_cost *cost, size_t field)
{
    double value;
    memcpy(&value, (const char *)cost + field, sizeof value);
    return value;
}

static bool is_better(kerf_objective objective, double a, double b)
{
    return objective == KERF_OBJ_THROUGHPUT ? a > b : a < b;
}

/* True if the plan's device operators are the first ones in the network's order. */
static bool is_prefix(const kerf_network *network, const kerf_side *side)
{
    bool ended = false;
    for (size_t i = 0; i < network->n_operators; i++) {
        if (side[i] == KERF_SIDE_DEVICE && ended)
            return false;
        ended = ended || side[i] == KERF_SIDE_SERVER;
    }
    return true;
}

static kerf_status add_point(const kerf_question *q, const kerf_side *side, size_t operators,
                             curve *c, kerf_error *err)
{
    point *p = &c->points[c->n];
    p->operators = operators;
    const kerf_status status = kerf_price(q, side, &p->cost, err);
    if (status != KERF_OK)
        return status;
    if (is_better(q->objective, p->cost.objective, c->points[c->best].cost.objective))
        c->best = c->n;
    c->n++;
    return KERF_OK;
}

/* Prices the split before and after every operator; with many, some are skipped, but never the
 * plan's own. */
static kerf_status sweep(const kerf_question *q, const kerf_plan *plan, curve *c, kerf_error *err)
{
    const kerf_network *network = q->network;
    const size_t own =
        is_prefix(network, plan->side) ? cli_device_operators(network, plan->side) : KERF_NONE;
    size_t points = MAX_PRICINGS / (network->n_placed + 1);
    points = points > MAX_POINTS ? MAX_POINTS : points < MIN_POINTS ? MIN_POINTS : points;
    c->step = 1 + network->n_placed / points;
    c->chosen = KERF_NONE;
    c->points = kerf_calloc(network->n_placed / c->step + 3, sizeof *c->points);
    kerf_side *side = kerf_calloc(network->n_operators, sizeof *side);
    kerf_status status = c->points && side ? KERF_OK : KERF_E_NOMEM;
    if (status != KERF_OK)
        snprintf(err->message, sizeof err->message, "out of memory");
    for (size_t i = 0; status == KERF_OK && i < network->n_operators; i++)
        side[i] = network->operators[i].constant ? KERF_SIDE_FREE : KERF_SIDE_SERVER;
    size_t operators = 0;
    for (size_t i = 0; status == KERF_OK && i <= network->n_operators; i++) {
        if (i < network->n_operators && network->operators[i].constant)
            continue;
        if (operators % c->step == 0 || operators == network->n_placed || operators == own) {
            if (operators == own)
                c->chosen = c->n;
            status = add_point(q, side, operators, c, err);
        }
        if (i < network->n_operators)
            side[i] = KERF_SIDE_DEVICE;
        operators++;
    }
    free(side);
    /* A cut elsewhere in the order may cost the same: that is no news. */
    const double mine = plan->cost.objective, best = c->n ? c->points[c->best].cost.objective : 0;
    c->best_is_better =
        is_better(q->objective, best, mine) && fabs(best - mine) > 1e-9 * fabs(mine);
    return status;
}

/* --- the script --- */

typedef struct scale {
    double factor;
    const char *unit;
} scale;

/* The unit in which the panel's largest total is at least 1. */
static scale scale_of(const panel *p, const curve *c)
{
    double most = 0;
    for (size_t i = 0; i < c->n; i++)
        most = fmax(most, figure(&c->points[i].cost, p->total));
    if (p->kind == KERF_FRACTION)
        return (scale){1, "1/s"};
    const bool energy = p->kind == KERF_ENERGY;
    if (most >= 1)
        return (scale){1, energy ? "J" : "s"};
    if (most >= 1e-3)
        return (scale){1e3, energy ? "mJ" : "ms"};
    return (scale){1e6, energy ? "\xc2\xb5J" : "\xc2\xb5s"};
}

static void write_sums(FILE *script, const curve *c, size_t at, const panel *const *panels,
                       size_t n_panels)
{
    for (size_t p = 0; p < n_panels; p++) {
        const double factor = scale_of(panels[p], c).factor;
        double sum = 0;
        for (size_t k = 0; k < panels[p]->n_layers; k++) {
            const double part = figure(&c->points[at].cost, panels[p]->layers[k].field);
            sum += isfinite(part) ? part * factor : 0;
            fprintf(script, " %.9g", sum);
        }
    }
    fputc('\n', script);
}

/* Each point becomes a step from half a unit before it to half a unit behind: two rows of x and
 * the stack's partial sums, for each panel after the other. */
static void write_data(FILE *script, const curve *c, const panel *const *panels, size_t n_panels)
{
    fputs("$split << EOD\n", script);
    for (size_t i = 0; i < 2 * c->n; i++) {
        const size_t at = i / 2, next = at + (i % 2 ? 1 : 0);
        if (i == 0 || next >= c->n)
            fprintf(script, "%.1f", (double)c->points[at].operators + (i ? 0.5 : -0.5));
        else
            fprintf(script, "%.1f", (double)c->points[next].operators - 0.5);
        write_sums(script, c, at, panels, n_panels);
    }
    fputs("EOD\n", script);
}

static double top_of(const panel *p, const kerf_plan_cost *cost, double factor)
{
    double sum = 0;
    for (size_t k = 0; k < p->n_layers; k++)
        sum += figure(cost, p->layers[k].field);
    return isfinite(sum) ? sum * factor : 0;
}

static bool layer_is_used(const layer *l, const curve *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (figure(&c->points[i].cost, l->field) != 0)
            return true;
    return false;
}

/* An arrow down to a point of the curve, and above it what the point is. */
static void write_mark(FILE *script, int id, size_t x, double y, bool right, double height,
                       const char *color, const char *text)
{
    fprintf(script,
            "set arrow %d from %zu,graph %.3f to %zu,%.9g head filled size screen 0.008,20 "
            "linecolor rgb '%s' linewidth 1.2 front\n",
            id, x, height - 0.035, x, y, color);
    fprintf(script, "set label %d ", id);
    cli_gnuplot_string(script, text);
    fprintf(script, " at %zu,graph %.3f %s noenhanced textcolor rgb '%s' front\n", x, height,
            right ? "right" : "left", color);
}

/* Marks the plan, and the best of the curve where that is another. A plan that is no prefix is not
 * on the curve: a dashed line shows its cost. */
static void mark_points(FILE *script, const panel *p, const curve *c, const kerf_plan *plan,
                        size_t on_device, const char *label)
{
    const double factor = scale_of(p, c).factor;
    const double y = top_of(p, &plan->cost, factor);
    const size_t span = c->points[c->n - 1].operators;
    double most = y;
    for (size_t i = 0; i < c->n; i++)
        most = fmax(most, top_of(p, &c->points[i].cost, factor));
    fprintf(script, "set yrange [0:%.9g]\n", most > 0 ? 1.35 * most : 1);
    write_mark(script, 1, on_device, y, 2 * on_device > span, 0.94, "#000000", label);
    if (c->chosen == KERF_NONE)
        fprintf(script,
                "set arrow 3 from graph 0,first %.9g to graph 1,first %.9g nohead "
                "linecolor rgb '#000000' linewidth 1 dashtype 2 front\n",
                y, y);
    const point *best = &c->points[c->best];
    if (c->best_is_better)
        write_mark(script, 2, best->operators, top_of(p, &best->cost, factor),
                   2 * best->operators > span, 0.84, "#777777", "best if nothing else were asked");
}

static void plot_panel(FILE *script, const panel *p, const curve *c, size_t first_column)
{
    const scale s = scale_of(p, c);
    fprintf(script, "set ylabel \"%s (%s)\"\n", p->label, s.unit);
    fputs("plot ", script);
    bool any = false;
    for (size_t k = p->n_layers; k-- > 0;) {
        if (!layer_is_used(&p->layers[k], c))
            continue;
        /* From the top of the stack down: each covers all but its own layer. */
        fprintf(script, "%s$split using 1:%zu with filledcurves y1=0 fillcolor rgb '%s' ",
                any ? ", " : "", first_column + k, p->layers[k].color);
        fputs("title ", script);
        cli_gnuplot_string(script, p->layers[k].label);
        any = true;
    }
    if (!any)
        fprintf(script, "$split using 1:%zu with lines notitle", first_column);
    fputc('\n', script);
}

static void write_header(FILE *script, const char *path, size_t n_panels, const char *title)
{
    cli_gnuplot_begin(script, path, 900, n_panels == 2 ? 800 : 480);
    if (n_panels == 2)
        fprintf(script, "set multiplot layout 2,1\n");
    fputs("set title ", script);
    cli_gnuplot_string(script, title);
    fputs(" noenhanced\n"
          "set border 3 linecolor rgb '#444444'\n"
          "set tics nomirror out\n"
          "set grid ytics linecolor rgb '#dddddd' linewidth 1\n"
          "set key at screen 0.78,graph 0.7 left top vertical Left reverse samplen 1 spacing 1.3 "
          "noenhanced\n"
          "set style fill solid 1 noborder\n"
          "set lmargin at screen 0.09\n"
          "set rmargin at screen 0.76\n",
          script);
}

static void describe(const cli_scene *scene, const kerf_plan *plan, char *title, char *description,
                     size_t size)
{
    char energy[48], latency[48];
    snprintf(title, size, "%.80s: %.40s to %.40s over %.40s", scene->network->name,
             scene->device->name, scene->server->name, scene->link->name);
    kerf_make_printable(title, '?'); /* also: no XML may hold what this takes away */
    snprintf(
        description, size,
        "Cost of one inference for every split point, stacked by part. Chosen: %zu of %zu "
        "operators on the device, %s and %s per inference.",
        cli_device_operators(scene->network, plan->side), scene->network->n_placed,
        kerf_format_quantity(plan->cost.device_energy_J, KERF_ENERGY, 3, energy, sizeof energy),
        kerf_format_quantity(plan->cost.latency_s, KERF_TIME, 3, latency, sizeof latency));
}

static void label_of(const cli_scene *scene, const kerf_plan *plan, const curve *c, char *label,
                     size_t size)
{
    const kerf_network *network = scene->network;
    const size_t on_device = cli_device_operators(network, plan->side);
    size_t last = KERF_NONE;
    for (size_t i = 0; i < network->n_operators; i++)
        if (plan->side[i] == KERF_SIDE_DEVICE)
            last = i;
    if (on_device == 0)
        snprintf(label, size, "plan: all on the server");
    else if (on_device == network->n_placed)
        snprintf(label, size, "plan: all on the device");
    else if (c->chosen == KERF_NONE)
        snprintf(label, size, "plan: %zu operators on the device, by branches", on_device);
    else
        snprintf(label, size, "plan: split after %.60s", network->operators[last].name);
    kerf_make_printable(label, '?');
}

static void write_script(FILE *script, const cli_scene *scene, const kerf_plan *plan,
                         const curve *c, const char *path, const char *title)
{
    const panel *panels[2] = {NULL, NULL};
    const size_t n_panels = panels_of(scene->question.objective, panels);
    const size_t on_device = cli_device_operators(scene->network, plan->side);
    char label[160];
    label_of(scene, plan, c, label, sizeof label);
    write_data(script, c, panels, n_panels);
    write_header(script, path, n_panels, title);
    fprintf(script, "set xrange [-0.5:%.1f]\n", (double)c->points[c->n - 1].operators + 0.5);
    fputs("set xlabel \"operators on the device (0: all on the server)\"\n", script);
    size_t column = 2;
    for (size_t p = 0; p < n_panels; p++) {
        if (p > 0)
            fputs("unset title\nunset label\nunset arrow\n", script);
        mark_points(script, panels[p], c, plan, on_device, label);
        plot_panel(script, panels[p], c, column);
        column += panels[p]->n_layers;
    }
    if (n_panels == 2)
        fputs("unset multiplot\n", script);
}

cli_exit cli_plan_plot(const cli_scene *scene, const kerf_plan *plan, const char *path)
{
    char title[256], description[256];
    curve c = {0};
    kerf_error err = {0};
    const cli_scene chosen = cli_scene_choose(scene, plan);
    kerf_question q = chosen.question;
    cli_exit status = CLI_FAILED;
    FILE *script = NULL;
    if (sweep(&q, plan, &c, &err) != KERF_OK) {
        cli_report(CLI_FAILED, &err);
        goto out;
    }
    script = tmpfile();
    if (!script) {
        cli_error(CLI_FAILED, "temporary file: %s", strerror(errno));
        goto out;
    }
    describe(&chosen, plan, title, description, sizeof title);
    write_script(script, &chosen, plan, &c, path, title);
    status = cli_gnuplot_run(script, path, title, description);
out:
    if (script)
        fclose(script);
    free(c.points);
    return status;
}
