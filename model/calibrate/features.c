/* What a row gives each coefficient. Features live in the places of the coefficients, so that a
 * figure is the sum of products over a power mode. */
#include "model/calibrate/calibrate.h"

#include <math.h>

/* How much of a kernel's parts counts: 1 in forms that add up. */
typedef struct weights {
    double macs, bytes, launch, floor;
} weights;

/* (a^p + b^p)^(1/p), scaled by the larger of the two lest the powers underflow. */
static double smooth_maximum(double a, double b, double p)
{
    const double high = a > b ? a : b, low = a > b ? b : a;
    return high > 0 ? high * pow(1 + pow(low / high, p), 1 / p) : 0;
}

/* How much of `part` counts in the smooth maximum `value`; what is lost in rounding is 0, lest a
 * coefficient grow without bound that nothing depends on. */
static double share_of(double part, double value, double p)
{
    const double share = pow(part / value, p - 1);
    return share > 1e-9 ? share : 0;
}

static double all_bytes(const kerf_work *work)
{
    double sum = work->bytes;
    for (int c = 0; c < KERF_CLASS_COUNT; c++)
        sum += work->weight_bytes[c];
    return sum;
}

static double macs_cost(const kerf_work *work, const double *per_mac)
{
    double sum = 0;
    for (int c = 0; c < KERF_CLASS_COUNT; c++)
        sum += work->macs[c] * per_mac[c];
    return sum;
}

/* The roofline's larger side at the present coefficients; both count half where there are none. */
static weights weigh_max(const kerf_work *work, const kerf_power_mode *at)
{
    const double macs = macs_cost(work, at->s_per_mac), bytes = all_bytes(work) * at->s_per_byte;
    if (macs == bytes)
        return (weights){0.5, 0.5, 1, 0};
    return macs > bytes ? (weights){1, 0, 1, 0} : (weights){0, 1, 1, 0};
}

/* (F^p + G^p)^(1/p) is homogeneous: its gradient at F, G times F, G is the value. */
static weights weigh_floor(const kerf_work *work, const kerf_power_mode *at)
{
    const double p = at->floor_exponent, f = at->floor_J;
    kerf_power_mode plain = *at;
    plain.energy_form = KERF_ENERGY_CLASSES;
    const double g = kerf_work_cost(&plain, work).energy_J;
    const double value = smooth_maximum(f, g, p);
    if (value == 0)
        return (weights){1, 1, 1, 0};
    const double work_share = share_of(g, value, p);
    return (weights){work_share, work_share, work_share, share_of(f, value, p)};
}

static weights weigh(const cal_model *model, const kerf_work *work, const kerf_power_mode *at)
{
    if (!at)
        return (weights){1, 1, 1, 0};
    if (!model->form->energy && model->form->latency_form == KERF_LATENCY_MAX)
        return weigh_max(work, at);
    if (model->form->energy && model->form->energy_form == KERF_ENERGY_FLOOR)
        return weigh_floor(work, at);
    return (weights){1, 1, 1, 0};
}

static void add_latency(const kerf_work *work, double count, const weights *w, kerf_power_mode *f)
{
    const double bytes = all_bytes(work);
    for (int c = 0; c < KERF_CLASS_COUNT; c++) {
        f->s_per_mac[c] += count * w->macs * work->macs[c];
        f->latency_more.per_weight_byte[c] += count * work->weight_bytes[c];
    }
    f->s_per_byte += count * w->bytes * bytes;
    f->launch_s += count * w->launch;
    f->latency_more.per_byte[work->cls] += count * work->bytes;
    f->latency_more.per_step += count * work->steps;
    f->latency_more.grouped_launch += work->grouped ? count : 0;
}

static void add_energy(const cal_model *model, const kerf_work *work, double count,
                       const weights *w, kerf_power_mode *f)
{
    const bool seed = model->form->energy_form == KERF_ENERGY_MAC_KERNELS;
    const double bytes = seed && work->known ? 0 : all_bytes(work);
    for (int c = 0; c < KERF_CLASS_COUNT; c++) {
        f->J_per_mac[c] += count * w->macs * work->macs[c];
        f->energy_more.per_weight_byte[c] += count * w->macs * work->weight_bytes[c];
    }
    f->J_per_byte += count * w->bytes * bytes;
    f->launch_J += count * w->launch;
    f->energy_more.per_byte[work->cls] += count * w->bytes * work->bytes;
    f->energy_more.per_step += count * w->macs * work->steps;
    f->energy_more.grouped_launch += work->grouped ? count * w->launch : 0;
    f->J_per_kernel += count * work->kernels;
    f->floor_J += count * w->floor;
}

/* Sum of features * coefficients, of energy. */
static double energy_of(const kerf_power_mode *features, const kerf_power_mode *mode)
{
    const kerf_refinement *f = &features->energy_more, *x = &mode->energy_more;
    double sum = features->J_per_byte * mode->J_per_byte + features->launch_J * mode->launch_J +
                 f->per_step * x->per_step + f->grouped_launch * x->grouped_launch;
    for (int c = 0; c < KERF_CLASS_COUNT; c++)
        sum += features->J_per_mac[c] * mode->J_per_mac[c] + f->per_byte[c] * x->per_byte[c] +
               f->per_weight_byte[c] * x->per_weight_byte[c];
    return sum;
}

static void scale_work(kerf_power_mode *f, double share)
{
    for (int c = 0; c < KERF_CLASS_COUNT; c++) {
        f->J_per_mac[c] *= share;
        f->energy_more.per_byte[c] *= share;
        f->energy_more.per_weight_byte[c] *= share;
    }
    f->J_per_byte *= share;
    f->launch_J *= share;
    f->energy_more.per_step *= share;
    f->energy_more.grouped_launch *= share;
}

/* The floor of a whole call: what its launches cost the host, and its constant. */
static double call_floor(const kerf_power_mode *features, const kerf_power_mode *mode)
{
    return features->launch_J * mode->floor_J + features->partition_J * mode->partition_J;
}

/* Homogeneous in F and G, as weigh_floor. Where there are no coefficients yet, all adds up. */
static void weigh_call(kerf_power_mode *features, const kerf_power_mode *at)
{
    const double launches = features->launch_J;
    const double f = at ? call_floor(features, at) : 0, g = at ? energy_of(features, at) : 0;
    const double value = smooth_maximum(f, g, CAL_FLOOR_EXPONENT);
    if (value == 0)
        return;
    const double floor_share = share_of(f, value, CAL_FLOOR_EXPONENT);
    scale_work(features, share_of(g, value, CAL_FLOOR_EXPONENT));
    features->floor_J = launches * floor_share;
    features->partition_J *= floor_share;
}

void cal_features(const cal_model *model, const cal_rows *rows, size_t row,
                  const kerf_power_mode *at, kerf_power_mode *features)
{
    const cal_row *r = &rows->rows[row];
    *features = (kerf_power_mode){0};
    features->partition_s = r->calls;
    features->partition_J = r->calls;
    if (model->latency_s)
        features->active_W = model->latency_s[row];
    for (size_t k = 0; k < r->n_kernels; k++) {
        const kerf_work *work = &r->kernels[k].work;
        const weights w = weigh(model, work, at);
        if (model->form->energy)
            add_energy(model, work, r->kernels[k].count, &w, features);
        else
            add_latency(work, r->kernels[k].count, &w, features);
    }
    if (model->form->terms & CAL_CALL_FLOOR)
        weigh_call(features, at);
}

double cal_column_feature(const cal_column *column, const kerf_power_mode *features)
{
    double sum = 0;
    for (size_t i = 0; i < column->target.n; i++)
        sum += kerf_coefficient_get(features, column->target.offsets[i]);
    return sum;
}

double cal_predict(const cal_model *model, const cal_rows *rows, size_t row,
                   const kerf_power_mode *mode)
{
    const cal_row *r = &rows->rows[row];
    if (model->form->energy && model->form->energy_form == KERF_ENERGY_POWER)
        return mode->active_W * model->latency_s[row];
    if (model->form->terms & CAL_CALL_FLOOR) {
        kerf_power_mode features;
        cal_features(model, rows, row, NULL, &features);
        return smooth_maximum(call_floor(&features, mode), energy_of(&features, mode),
                              CAL_FLOOR_EXPONENT);
    }
    double sum = r->calls * (model->form->energy ? mode->partition_J : mode->partition_s);
    for (size_t k = 0; k < r->n_kernels; k++) {
        const kerf_cost cost = kerf_work_cost(mode, &r->kernels[k].work);
        sum += r->kernels[k].count * (model->form->energy ? cost.energy_J : cost.latency_s);
    }
    return sum;
}

double cal_measured(const cal_row *row, bool energy)
{
    return energy ? row->measurement->energy_J : row->measurement->latency_s;
}
