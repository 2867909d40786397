/* From a layer's class and shapes to the figures that the cost model works on. */
#include "model/calibrate/table.h"

#include <math.h>
#include <string.h>

const layer_text layer_text_empty = {.cls = KERF_CLASS_COUNT,
                                     .type = KERF_FLOAT32,
                                     .count = 1,
                                     .macs = NAN,
                                     .weight_bytes = NAN,
                                     .read_bytes = NAN,
                                     .write_bytes = NAN,
                                     .kernels = NAN,
                                     .steps = NAN};

kerf_class layer_class(const char *name)
{
    int i = 0;
    while (i < KERF_CLASS_COUNT && strcmp(kerf_class_name((kerf_class)i), name) != 0)
        i++;
    return (kerf_class)i;
}

bool layer_type(const char *name, kerf_type *type)
{
    for (int i = KERF_FLOAT32; i < KERF_STRING; i++) {
        if (strcmp(kerf_type_name((kerf_type)i), name) == 0) {
            *type = (kerf_type)i;
            return true;
        }
    }
    return false;
}

static double product(const int64_t *sizes, size_t n)
{
    double result = 1;
    for (size_t i = 0; i < n; i++)
        result *= (double)sizes[i];
    return result;
}

static bool given(const int64_t *sizes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (sizes[i] <= 0)
            return false;
    return true;
}

static void fill(double *figure, double value)
{
    if (isnan(*figure))
        *figure = value;
}

static bool is_convolution(kerf_class cls)
{
    return cls == KERF_CLASS_CONV || cls == KERF_CLASS_POINTWISE || cls == KERF_CLASS_DEPTHWISE;
}

/* What follows from the shapes, where it is not given. */
static const char *derive(layer_text *t)
{
    const bool input = given(t->input, 3), output = given(t->output, 3);
    const double element = kerf_type_bits(t->type) / 8.0;
    if (input)
        fill(&t->read_bytes, product(t->input, 3) * element);
    if (output)
        fill(&t->write_bytes, product(t->output, 3) * element);
    if (!is_convolution(t->cls) && t->cls != KERF_CLASS_FC) {
        fill(&t->macs, 0);
        fill(&t->weight_bytes, 0);
        fill(&t->steps, 0);
        fill(&t->kernels, 0);
        return NULL;
    }
    if (!input || !output) {
        fill(&t->steps, t->cls == KERF_CLASS_FC ? 0 : NAN);
        fill(&t->kernels, t->cls == KERF_CLASS_FC ? 0 : NAN);
        return NULL;
    }
    if (t->groups == 0)
        t->groups = t->cls == KERF_CLASS_DEPTHWISE ? t->input[0] : 1;
    if (t->input[0] % t->groups != 0 || t->output[0] % t->groups != 0)
        return "the groups do not divide the channels, expected groups that divide both";
    const int64_t per_group = t->input[0] / t->groups;
    const double inputs = t->cls == KERF_CLASS_FC ? product(t->input, 3) : (double)per_group;
    const double reduction = inputs * product(t->kernel, 2);
    const double outputs = t->cls == KERF_CLASS_FC ? product(t->output, 3) : (double)t->output[0];
    fill(&t->macs, reduction * product(t->output, 3));
    fill(&t->weight_bytes, reduction * outputs * element);
    fill(&t->steps, t->cls == KERF_CLASS_FC ? 0 : reduction);
    fill(&t->kernels, t->cls == KERF_CLASS_FC ? 0 : outputs);
    return NULL;
}

static bool in_range(double figure)
{
    return figure >= 0 && figure <= TABLE_MAX_FIGURE;
}

const char *layer_complete(const layer_text *text, int64_t batch, kerf_layer *layer)
{
    layer_text t = *text;
    if (t.cls == KERF_CLASS_COUNT)
        return "a layer has no class, expected one such as \"conv\", \"depthwise\" or \"fc\"";
    for (size_t i = 0; i < 2; i++)
        t.kernel[i] = t.kernel[i] > 0 ? t.kernel[i] : 1;
    const char *problem = derive(&t);
    if (problem)
        return problem;
    if (isnan(t.macs) || isnan(t.steps) || isnan(t.kernels) || isnan(t.weight_bytes))
        return "a layer that multiplies needs the shapes of its input and output, or the figures "
               "macs, weight_bytes, kernels and steps";
    if (isnan(t.read_bytes) || isnan(t.write_bytes))
        return "a layer needs the shapes of its input and output, or read_bytes and write_bytes";
    *layer = (kerf_layer){.cls = t.cls,
                          .grouped = t.groups > 1 && t.cls != KERF_CLASS_DEPTHWISE,
                          .macs = t.macs * (double)batch,
                          .steps = t.steps,
                          .kernels = t.kernels,
                          .weight_bytes = t.weight_bytes,
                          .read_bytes = t.read_bytes * (double)batch,
                          .write_bytes = t.write_bytes * (double)batch,
                          .count = t.count};
    if (!in_range(layer->macs) || !in_range(layer->steps) || !in_range(layer->kernels) ||
        !in_range(layer->weight_bytes) || !in_range(layer->read_bytes) ||
        !in_range(layer->write_bytes))
        return "a figure of a layer is out of range, expected 0 to 1e18";
    return NULL;
}
