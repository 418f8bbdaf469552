#include "transfer/svg_chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <sstream>

namespace cryptotl {
namespace {

// One unit is one CSS pixel at the chart's natural size; the page scales it to its column.
constexpr double kWidth = 520;
constexpr double kHeight = 320;
constexpr double kLeft = 58;
constexpr double kRight = 16;
constexpr double kTop = 34;
constexpr double kBottom = 48;

struct Scale {
  double low = 0;
  double high = 1;
  double from = 0;
  double to = 1;
  bool logarithmic = false;

  double at(double value) const {
    const auto map = [&](double x) { return logarithmic ? std::log10(x) : x; };
    return from + (map(value) - map(low)) / (map(high) - map(low)) * (to - from);
  }
};

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

/// Steps of 1, 2 or 5 times a power of ten, about five of them.
std::vector<double> round_ticks(double low, double high) {
  const double raw = (high - low) / 5;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  const double step = raw / power < 1.5   ? power
                      : raw / power < 3.5 ? 2 * power
                      : raw / power < 7.5 ? 5 * power
                                          : 10 * power;
  std::vector<double> ticks;
  for (double tick = std::ceil(low / step - 1e-9) * step; tick <= high + 1e-9 * step; tick += step) {
    ticks.push_back(std::abs(tick) < 1e-9 * step ? 0.0 : tick);
  }
  return ticks;
}

std::string tick_text(const Axis& axis, double value) {
  return axis.percent ? short_number(100 * value) + " %" : short_number(value);
}

Scale scale_of(const Axis& axis, const std::vector<Series>& series, bool horizontal) {
  double low = INFINITY;
  double high = -INFINITY;
  for (const Series& line : series) {
    for (size_t i = 0; i < line.points.size(); ++i) {
      const double value = horizontal ? line.points[i].x : line.points[i].y;
      low = std::min(low, value);
      high = std::max(high, value);
      if (!horizontal && !line.low.empty()) {
        low = std::min(low, line.low[i]);
        high = std::max(high, line.high[i]);
      }
    }
  }
  if (!(low <= high)) low = high = 0;
  const double margin = horizontal ? 0 : 0.06 * (high - low);
  low = axis.low.value_or(low - margin);
  high = axis.high.value_or(high + margin);
  if (!(high > low)) high = low + 1;
  return horizontal ? Scale{low, high, kLeft, kWidth - kRight, axis.logarithmic}
                    : Scale{low, high, kHeight - kBottom, kTop, axis.logarithmic};
}

void open_svg(std::ostringstream& out, const std::string& title) {
  out << "<svg viewBox=\"0 0 " << kWidth << ' ' << kHeight << "\" role=\"img\" aria-label=\""
      << escape_html(title) << "\"><text class=\"title\" x=\"" << kLeft << "\" y=\"18\">"
      << escape_html(title) << "</text>";
}

void draw_axes(std::ostringstream& out, const Axis& x_axis, const Axis& y_axis, const Scale& x,
               const Scale& y) {
  for (const double tick : y_axis.ticks.empty() ? round_ticks(y.low, y.high) : y_axis.ticks) {
    const std::string at = number(y.at(tick));
    out << "<line class=\"grid\" x1=\"" << kLeft << "\" x2=\"" << kWidth - kRight << "\" y1=\"" << at
        << "\" y2=\"" << at
        << "\"/><text class=\"tick\" text-anchor=\"end\" dominant-baseline=\"middle\" x=\"" << kLeft - 7
        << "\" y=\"" << at << "\">" << tick_text(y_axis, tick) << "</text>";
  }
  for (const double tick : x_axis.ticks.empty() ? round_ticks(x.low, x.high) : x_axis.ticks) {
    const std::string at = number(x.at(tick));
    out << "<line class=\"axis\" x1=\"" << at << "\" x2=\"" << at << "\" y1=\"" << kHeight - kBottom
        << "\" y2=\"" << kHeight - kBottom + 4 << "\"/><text class=\"tick\" text-anchor=\"middle\" x=\"" << at
        << "\" y=\"" << kHeight - kBottom + 17 << "\">" << tick_text(x_axis, tick) << "</text>";
  }
  out << "<line class=\"axis\" x1=\"" << kLeft << "\" x2=\"" << kWidth - kRight << "\" y1=\""
      << kHeight - kBottom << "\" y2=\"" << kHeight - kBottom
      << "\"/><text class=\"label\" text-anchor=\"middle\" x=\"" << (kLeft + kWidth - kRight) / 2 << "\" y=\""
      << kHeight - 10 << "\">" << escape_html(x_axis.label)
      << "</text><text class=\"label\" text-anchor=\"middle\" transform=\"rotate(-90)\" x=\""
      << -(kTop + kHeight - kBottom) / 2 << "\" y=\"13\">" << escape_html(y_axis.label) << "</text>";
}

void draw_band(std::ostringstream& out, const Series& line, const Scale& x, const Scale& y) {
  out << "<polygon class=\"band " << line.style << "\" points=\"";
  for (size_t i = 0; i < line.points.size(); ++i) {
    out << number(x.at(line.points[i].x)) << ',' << number(y.at(line.high[i])) << ' ';
  }
  for (size_t i = line.points.size(); i-- > 0;) {
    out << number(x.at(line.points[i].x)) << ',' << number(y.at(line.low[i])) << ' ';
  }
  out << "\"/>";
}

void draw_line(std::ostringstream& out, const Series& line, const Axis& x_axis, const Axis& y_axis,
               const Scale& x, const Scale& y) {
  out << "<polyline class=\"line " << line.style << (line.dashed ? " dashed" : "") << "\" points=\"";
  for (const Point& point : line.points) out << number(x.at(point.x)) << ',' << number(y.at(point.y)) << ' ';
  out << "\"/>";
  if (!line.markers) return;
  for (const Point& point : line.points) {
    out << "<circle class=\"dot " << line.style << "\" r=\"3.5\" cx=\"" << number(x.at(point.x)) << "\" cy=\""
        << number(y.at(point.y)) << "\"><title>" << escape_html(line.name) << ": "
        << tick_text(y_axis, point.y) << " at " << tick_text(x_axis, point.x) << "</title></circle>";
  }
}

std::string legend(const std::vector<Series>& series) {
  std::string out = "<div class=\"legend\">";
  for (const Series& line : series) {
    if (line.name.empty()) continue;
    out += "<span><i class=\"" + line.style + (line.dashed ? " dashed" : "") + "\"></i>" +
           escape_html(line.name) + "</span>";
  }
  return out + "</div>";
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string short_number(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*g", digits, value);
  return text;
}

std::string line_chart(const Chart& chart) {
  const Scale x = scale_of(chart.x, chart.series, true);
  const Scale y = scale_of(chart.y, chart.series, false);
  std::ostringstream out;
  open_svg(out, chart.title);
  draw_axes(out, chart.x, chart.y, x, y);
  for (const Series& line : chart.series) {
    if (!line.low.empty()) draw_band(out, line, x, y);
  }
  for (const Series& line : chart.series) draw_line(out, line, chart.x, chart.y, x, y);
  out << "</svg>" << legend(chart.series);
  return out.str();
}

std::string histogram(const std::string& title, const std::string& label, const std::vector<double>& values) {
  std::vector<double> sorted = values;
  std::ranges::sort(sorted);
  // The slowest hundredth would squeeze all the rest into one bin; it is counted in the last.
  const double low = sorted.front();
  const double high = std::max(sorted[(sorted.size() - 1) * 99 / 100], low + 1e-9 + 0.01 * std::abs(low));
  constexpr size_t kBins = 30;
  std::vector<double> counts(kBins);
  for (const double value : sorted) {
    const double place = (value - low) / (high - low) * kBins;
    ++counts[std::min<size_t>(kBins - 1, static_cast<size_t>(place))];
  }
  const Axis x_axis{label, low, high, false, false, {}};
  const Axis y_axis{"passes", 0.0, 1.08 * *std::ranges::max_element(counts), false, false, {}};
  const Scale x{low, high, kLeft, kWidth - kRight};
  const Scale y{0, *y_axis.high, kHeight - kBottom, kTop};
  std::ostringstream out;
  open_svg(out, title);
  draw_axes(out, x_axis, y_axis, x, y);
  const double width = (kWidth - kRight - kLeft) / kBins;
  for (size_t bin = 0; bin < kBins; ++bin) {
    const double top = y.at(counts[bin]);
    out << "<rect class=\"bar s1\" x=\"" << number(kLeft + width * static_cast<double>(bin) + 0.5)
        << "\" width=\"" << number(width - 1) << "\" y=\"" << number(top) << "\" height=\""
        << number(kHeight - kBottom - top) << "\"><title>" << counts[bin] << " passes</title></rect>";
  }
  const double median = sorted[sorted.size() / 2];
  const std::string at = number(x.at(std::min(median, high)));
  out << "<line class=\"median\" x1=\"" << at << "\" x2=\"" << at << "\" y1=\"" << kTop << "\" y2=\""
      << kHeight - kBottom << "\"/><text class=\"tick\" x=\"" << at << "\" dx=\"5\" y=\"" << kTop + 10
      << "\">median " << short_number(median) << "</text></svg>";
  return out.str();
}

}  // namespace cryptotl
