#include "planner/cli/svg.h"

#include <math.h>
#include <string.h>

#define WIDTH      400.0
#define HEIGHT     250.0
#define LEFT       70.0 /* of lines: room for numbers */
#define RIGHT      388.0
#define TOP        24.0
#define BOTTOM     206.0
#define ROW_LEFT   8.0
#define ROW_HEIGHT 40.0
#define MAX_TICKS  12

void svg_text(FILE *to, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)(text ? text : ""); *c; c++) {
        if (*c == '&')
            fputs("&amp;", to);
        else if (*c == '<')
            fputs("&lt;", to);
        else if (*c == '>')
            fputs("&gt;", to);
        else if (*c == '"')
            fputs("&quot;", to);
        else if (*c == '\'')
            fputs("&#39;", to);
        else if (*c < 0x20 || *c == 0x7f)
            fputc(' ', to);
        else
            fputc(*c, to);
    }
}

/* --- axes --- */

svg_axis svg_axis_none(const char *title, svg_unit unit, kerf_quantity kind, bool log)
{
    return (svg_axis){title, unit, kind, log, INFINITY, -INFINITY};
}

void svg_axis_show(svg_axis *axis, double value)
{
    if (!isfinite(value) || (axis->log && !(value > 0)))
        return;
    axis->from = fmin(axis->from, value);
    axis->to = fmax(axis->to, value);
}

typedef struct scale {
    svg_axis axis;
    double at_from, at_to; /* where its ends are */
    double tick[MAX_TICKS];
    size_t n;
} scale;

static double place(const scale *s, double value)
{
    const svg_axis *a = &s->axis;
    double share = (value - a->from) / (a->to - a->from);
    if (a->log)
        share = value > 0 ? log(value / a->from) / log(a->to / a->from) : 0;
    return s->at_from + fmin(fmax(share, 0), 1) * (s->at_to - s->at_from);
}

static void add_tick(scale *s, double value)
{
    const double slack = 1e-9 * (s->axis.to - s->axis.from);
    if (s->n < MAX_TICKS && value >= s->axis.from - slack && value <= s->axis.to + slack)
        s->tick[s->n++] = value;
}

/* 1, 2 or 5 times a power of ten. */
static double round_step(double step)
{
    const double power = pow(10, floor(log10(step)));
    const double digit = step / power;
    return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

static void linear_ticks(scale *s, double wanted)
{
    const double step = round_step((s->axis.to - s->axis.from) / wanted);
    const double first = ceil(s->axis.from / step - 1e-9);
    for (size_t i = 0; i < MAX_TICKS; i++)
        add_tick(s, (first + (double)i) * step);
}

static void log_ticks(scale *s, double wanted)
{
    static const double digits[] = {1, 2, 5};
    const double decades = log10(s->axis.to / s->axis.from);
    if (decades < 0.8) { /* so little that even steps will do */
        linear_ticks(s, wanted);
        return;
    }
    const int every = decades > wanted ? (int)ceil(decades / wanted) : 1;
    const size_t kinds = decades > 0.5 * wanted ? 1 : 3;
    const int first = (int)floor(log10(s->axis.from));
    for (int k = first; k <= first + (int)decades + 2; k++)
        for (size_t i = 0; i < kinds; i++)
            if (k % every == 0)
                add_tick(s, digits[i] * pow(10, k));
}

/* Ends that leave something between them, and ticks. */
static scale make_scale(svg_axis axis, double at_from, double at_to, double wanted)
{
    scale s = {.axis = axis, .at_from = at_from, .at_to = at_to};
    svg_axis *a = &s.axis;
    if (!(a->from <= a->to)) {
        a->from = a->log ? 0.1 : 0;
        a->to = 1;
    }
    if (a->log) {
        a->from /= 1.15;
        a->to *= 1.15;
        if (a->to / a->from < 2) {
            a->from /= 1.5;
            a->to *= 1.5;
        }
        log_ticks(&s, wanted);
        return s;
    }
    if (!(a->to > a->from))
        a->to = a->from + (a->from != 0 ? fabs(a->from) : 1);
    linear_ticks(&s, wanted);
    return s;
}

static const char *tick_label(const svg_axis *axis, double value, char *text, size_t size)
{
    if (axis->unit == SVG_PERCENT)
        snprintf(text, size, "%.3g %%", 100 * value);
    else if (axis->unit == SVG_PLAIN || value == 0)
        snprintf(text, size, "%.4g", value);
    else
        kerf_format_quantity(value, axis->kind, 3, text, size);
    return text;
}

/* --- frames --- */

static void open_chart(FILE *to, const svg_head *head, double height)
{
    fprintf(to,
            "<svg class=\"chart\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
            "aria-labelledby=\"t%zu d%zu\">\n<title id=\"t%zu\">",
            WIDTH, height, head->id, head->id, head->id);
    svg_text(to, head->title);
    fprintf(to, "</title><desc id=\"d%zu\">", head->id);
    svg_text(to, head->description);
    fputs("</desc>\n", to);
}

static void put_label(FILE *to, double x, double y, const char *class, const char *text)
{
    fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class);
    svg_text(to, text);
    fputs("</text>\n", to);
}

static void put_rule(FILE *to, const char *class, double x1, double y1, double x2, double y2)
{
    fprintf(to, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", class, x1,
            y1, x2, y2);
}

static void put_x_axis(FILE *to, const scale *x, double top, double bottom)
{
    char text[64];
    double last = -INFINITY;
    for (size_t i = 0; i < x->n; i++) {
        const double at = place(x, x->tick[i]);
        const double half =
            3.1 * (double)strlen(tick_label(&x->axis, x->tick[i], text, sizeof text));
        put_rule(to, "grid", at, top, at, bottom);
        if (at - half < last + 4)
            continue;
        last = at + half;
        put_label(to, fmin(at, WIDTH - 2 - half), bottom + 15, "mid", text);
    }
    put_rule(to, "axis", x->at_from, bottom, x->at_to, bottom);
    put_label(to, (x->at_from + x->at_to) / 2, bottom + 33, "mid name", x->axis.title);
}

static void put_y_axis(FILE *to, const scale *y)
{
    char text[64];
    for (size_t i = 0; i < y->n; i++) {
        const double at = place(y, y->tick[i]);
        put_rule(to, "grid", LEFT, at, RIGHT, at);
        put_label(to, LEFT - 6, at + 4, "end", tick_label(&y->axis, y->tick[i], text, sizeof text));
    }
    put_label(to, 4, 12, "name", y->axis.title);
}

/* --- lines --- */

/* `below`: the lines that are drawn over it; it is wider, so that it shows where they coincide. */
static void put_line(FILE *to, const svg_line *line, const scale *x, const scale *y, size_t below)
{
    size_t seen = 0;
    double at_x = 0, at_y = 0;
    fprintf(to, "<path class=\"line c%zu\" stroke-width=\"%.1f\" d=\"", line->colour % SVG_COLOURS,
            1.7 + fmin(0.4 * (double)below, 2));
    for (size_t i = 0; i < line->n; i++) {
        if (!isfinite(line->x[i]) || !isfinite(line->y[i]))
            continue;
        at_x = place(x, line->x[i]);
        at_y = place(y, line->y[i]);
        if (seen++ == 0)
            fprintf(to, "M%.1f %.1f", at_x, at_y);
        else if (line->steps)
            fprintf(to, "H%.1fV%.1f", at_x, at_y);
        else
            fprintf(to, "L%.1f %.1f", at_x, at_y);
    }
    if (seen == 0) /* nothing to see, but no broken path either */
        fprintf(to, "M%.1f %.1f", x->at_from, y->at_from);
    fputs("\"/>\n", to);
    if (seen == 1)
        fprintf(to, "<circle class=\"fill c%zu\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n",
                line->colour % SVG_COLOURS, at_x, at_y);
}

void svg_lines(FILE *to, const svg_head *head, svg_axis x_axis, svg_axis y_axis,
               const svg_line *lines, size_t n)
{
    if (!y_axis.log)
        svg_axis_show(&y_axis, 0);
    const scale x = make_scale(x_axis, LEFT, RIGHT, 5);
    const scale y = make_scale(y_axis, BOTTOM, TOP, 5);
    open_chart(to, head, HEIGHT);
    put_y_axis(to, &y);
    put_x_axis(to, &x, TOP, BOTTOM);
    for (size_t i = 0; i < n; i++)
        put_line(to, &lines[i], &x, &y, n - 1 - i);
    fputs("</svg>\n", to);
}

/* --- rows --- */

static double rows_bottom(size_t n)
{
    return 6 + ROW_HEIGHT * (double)n;
}

static void open_rows(FILE *to, const svg_head *head, const scale *x, const svg_row *rows, size_t n)
{
    open_chart(to, head, rows_bottom(n) + 42);
    put_x_axis(to, x, 6, rows_bottom(n));
    for (size_t i = 0; i < n; i++) {
        const double y = 6 + ROW_HEIGHT * (double)i;
        put_label(to, ROW_LEFT, y + 13, "row", rows[i].name);
        put_label(to, RIGHT, y + 13, "end row", rows[i].label);
    }
}

void svg_bars(FILE *to, const svg_head *head, svg_axis axis, const svg_row *rows, size_t n,
              size_t parts)
{
    svg_axis_show(&axis, 0);
    const scale x = make_scale(axis, ROW_LEFT, RIGHT, 5);
    open_rows(to, head, &x, rows, n);
    for (size_t i = 0; i < n; i++) {
        const double y = 6 + ROW_HEIGHT * (double)i + 19;
        double sum = 0;
        for (size_t k = 0; k < parts; k++) {
            const double value = isfinite(rows[i].part[k]) ? rows[i].part[k] : 0;
            const double from = place(&x, sum), end = place(&x, sum + value);
            sum += value;
            if (end - from > 0)
                fprintf(to,
                        "<rect class=\"part c%zu\" x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" "
                        "height=\"15\"/>\n",
                        k, from, y, end - from);
        }
        if (rows[i].half_width > 0 && isfinite(rows[i].half_width)) {
            const double a = place(&x, sum - rows[i].half_width);
            const double b = place(&x, sum + rows[i].half_width);
            put_rule(to, "error", a, y + 7.5, b, y + 7.5);
            put_rule(to, "error", a, y + 3.5, a, y + 11.5);
            put_rule(to, "error", b, y + 3.5, b, y + 11.5);
        }
    }
    fputs("</svg>\n", to);
}

/* Circle, square, diamond, triangle. */
static void put_mark(FILE *to, size_t mark, double x, double y)
{
    if (mark % 4 == 0)
        fprintf(to, "<circle class=\"mark c%zu\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>\n", mark, x, y);
    else if (mark % 4 == 1)
        fprintf(to, "<rect class=\"mark c%zu\" x=\"%.1f\" y=\"%.1f\" width=\"9\" height=\"9\"/>\n",
                mark, x - 4.5, y - 4.5);
    else if (mark % 4 == 2)
        fprintf(to, "<path class=\"mark c%zu\" d=\"M%.1f %.1fl6 6l-6 6l-6 -6z\"/>\n", mark, x,
                y - 6);
    else
        fprintf(to, "<path class=\"mark c%zu\" d=\"M%.1f %.1fl6 10h-12z\"/>\n", mark, x, y - 6);
}

void svg_marks(FILE *to, const svg_head *head, svg_axis axis, const svg_row *rows, size_t n,
               size_t parts)
{
    const scale x = make_scale(axis, ROW_LEFT + 6, RIGHT - 6, 5);
    open_rows(to, head, &x, rows, n);
    for (size_t i = 0; i < n; i++) {
        const double y = 6 + ROW_HEIGHT * (double)i + 27;
        double least = INFINITY, most = -INFINITY;
        for (size_t k = 0; k < parts; k++) {
            least = fmin(least, rows[i].part[k]);
            most = fmax(most, rows[i].part[k]);
        }
        if (least <= most)
            put_rule(to, "range", place(&x, least), y, place(&x, most), y);
        for (size_t k = parts; k-- > 0;)
            if (isfinite(rows[i].part[k]))
                put_mark(to, k, place(&x, rows[i].part[k]), y);
    }
    fputs("</svg>\n", to);
}

/* --- legends --- */

void svg_line_key(FILE *to, size_t colour)
{
    fprintf(to,
            "<svg class=\"key\" viewBox=\"0 0 34 12\" aria-hidden=\"true\"><path class=\"line "
            "c%zu\" stroke-width=\"2.5\" d=\"M1 6H33\"/></svg>",
            colour % SVG_COLOURS);
}

void svg_part_key(FILE *to, size_t colour)
{
    fprintf(to,
            "<svg class=\"key small\" viewBox=\"0 0 14 12\" aria-hidden=\"true\"><rect "
            "class=\"part c%zu\" x=\"1\" y=\"0\" width=\"12\" height=\"12\"/></svg>",
            colour % SVG_COLOURS);
}

void svg_mark_key(FILE *to, size_t mark)
{
    fputs("<svg class=\"key small\" viewBox=\"0 0 14 14\" aria-hidden=\"true\">", to);
    put_mark(to, mark, 7, 7);
    fputs("</svg>", to);
}
