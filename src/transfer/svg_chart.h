#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cryptotl {

struct Point {
  double x = 0;
  double y = 0;
};

/// A line of a chart. `low` and `high` (as long as `points`, or empty) draw a band around it.
struct Series {
  std::string name;
  std::string style;  ///< CSS class that colours it: s1, s2, ...
  std::vector<Point> points;
  std::vector<double> low, high;
  bool dashed = false;
  bool markers = false;
};

struct Axis {
  std::string label;
  std::optional<double> low, high;  ///< else from the data
  bool logarithmic = false;
  bool percent = false;
  std::vector<double> ticks;  ///< else chosen
};

struct Chart {
  std::string title;
  Axis x, y;
  std::vector<Series> series;
};

/// `text` with &, <, >, " and ' escaped for HTML.
std::string escape_html(std::string_view text);

/// A number with about `digits` significant ones, without trailing zeros.
std::string short_number(double value, int digits = 3);

/// An <svg> of lines with axes, grid and a legend below; points carry their values as tooltips. Colours come
/// from the page's style sheet.
std::string line_chart(const Chart& chart);

/// An <svg> of counts in equal bins, with the median marked.
std::string histogram(const std::string& title, const std::string& label, const std::vector<double>& values);

}  // namespace cryptotl
