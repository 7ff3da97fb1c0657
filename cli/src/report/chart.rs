//! A horizontal bar chart with error bars, as inline SVG.

use std::fmt::Write;

use super::escape;
use super::number;

/// More bars than this are no picture any more; the table has them all.
pub const BARS_MAX: usize = 40;

const WIDTH: f64 = 720.0;
const LABELS: f64 = 210.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 10.0;
const ROW: f64 = 26.0;
const BAR: f64 = 14.0;
const AXIS: f64 = 28.0;
const LABEL_LETTERS_MAX: usize = 30;
const TICKS_WANTED: f64 = 5.0;

/// One bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// The group it stands for.
    pub label: String,
    /// Its length.
    pub value: f64,
    /// The ends of its error bar.
    pub interval: Option<(f64, f64)>,
}

/// The chart of `bars`, or nothing where there is nothing to draw.
///
/// *Shape*: one `<svg>` element without scripts, styled by the page; its title says what it shows.
pub fn svg(title: &str, measure: &str, bars: &[Bar]) -> String {
    let drawn: Vec<&Bar> = bars.iter().filter(|bar| is_finite(bar)).take(BARS_MAX).collect();
    if drawn.is_empty() {
        return String::new();
    }
    let scale = Scale::over(&drawn);
    let bottom = TOP + ROW * drawn.len() as f64;
    let height = bottom + AXIS;
    let mut out = String::new();
    let (name, measure) = (escape(title), escape(measure));
    let _ = writeln!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{name}: {measure} with \
         95% intervals; the table below has the numbers\">"
    );
    for tick in scale.ticks() {
        let x = scale.x(tick);
        let label = escape(&number::plain(tick));
        let _ = writeln!(
            out,
            "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>\
             <text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\">{label}</text>",
            bottom + 18.0
        );
    }
    for (index, bar) in drawn.iter().enumerate() {
        draw(&mut out, &scale, bar, TOP + ROW * index as f64 + ROW / 2.0);
    }
    let zero = scale.x(0.0);
    let _ = writeln!(
        out,
        "<line class=\"zero\" x1=\"{zero:.1}\" y1=\"{TOP}\" x2=\"{zero:.1}\" y2=\"{bottom}\"/>\n\
         </svg>"
    );
    out
}

fn draw(out: &mut String, scale: &Scale, bar: &Bar, middle: f64) {
    let (zero, end) = (scale.x(0.0), scale.x(bar.value));
    let (left, width) = (zero.min(end), (end - zero).abs());
    let label = escape(&shortened(&bar.label));
    let full = escape(&bar.label);
    let _ = write!(
        out,
        "<text class=\"label\" x=\"{:.1}\" y=\"{:.1}\"><title>{full}</title>{label}</text>\
         <rect class=\"bar\" x=\"{left:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{BAR}\"/>",
        LABELS - 10.0,
        middle + 4.0,
        middle - BAR / 2.0,
    );
    if let Some((low, high)) = bar.interval {
        let (low, high) = (scale.x(low), scale.x(high));
        let (above, below) = (middle - 4.0, middle + 4.0);
        let _ = write!(
            out,
            "<path class=\"error\" d=\"M{low:.1} {above:.1}V{below:.1}M{low:.1} {middle:.1}\
             H{high:.1}M{high:.1} {above:.1}V{below:.1}\"/>"
        );
    }
    out.push('\n');
}

fn is_finite(bar: &Bar) -> bool {
    let (low, high) = bar.interval.unwrap_or((bar.value, bar.value));
    [bar.value, low, high].into_iter().all(f64::is_finite)
}

fn shortened(label: &str) -> String {
    if label.chars().count() <= LABEL_LETTERS_MAX {
        return label.to_owned();
    }
    label.chars().take(LABEL_LETTERS_MAX - 1).chain(['…']).collect()
}

/// From values to places; zero is always on it.
struct Scale {
    low: f64,
    high: f64,
    step: f64,
}

impl Scale {
    fn over(bars: &[&Bar]) -> Self {
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        for bar in bars {
            let (from, to) = bar.interval.unwrap_or((bar.value, bar.value));
            low = low.min(from).min(bar.value);
            high = high.max(to).max(bar.value);
        }
        let step = nice_step(high - low);
        Self { low: (low / step).floor() * step, high: (high / step).ceil() * step, step }
    }

    fn x(&self, value: f64) -> f64 {
        let part = (value - self.low) / (self.high - self.low).max(f64::MIN_POSITIVE);
        LABELS + part * (WIDTH - LABELS - RIGHT)
    }

    fn ticks(&self) -> Vec<f64> {
        let first = (self.low / self.step).round();
        let count = ((self.high - self.low) / self.step).round();
        (0..=16)
            .map(f64::from)
            .take_while(|index| *index <= count)
            .map(|index| (first + index) * self.step)
            .collect()
    }
}

/// 1, 2 or 5 times a power of ten.
fn nice_step(span: f64) -> f64 {
    if !(span.is_finite() && span > 0.0) {
        return 1.0;
    }
    let rough = span / TICKS_WANTED;
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= rough);
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(label: &str, value: f64, interval: Option<(f64, f64)>) -> Bar {
        Bar { label: label.to_owned(), value, interval }
    }

    /// The numbers of an attribute in every element of a class.
    fn numbers(svg: &str, class: &str, attribute: &str) -> Vec<f64> {
        svg.split('<')
            .filter(|element| element.contains(&format!("class=\"{class}\"")))
            .map(|element| {
                let (_, rest) = element.split_once(&format!(" {attribute}=\"")).unwrap();
                rest.split_once('"').unwrap().0.parse().unwrap()
            })
            .collect()
    }

    #[test]
    fn a_bar_is_as_long_as_its_value() {
        let drawn = svg("t", "m", &[bar("a", 50.0, None), bar("b", 100.0, Some((90.0, 110.0)))]);
        let widths = numbers(&drawn, "bar", "width");
        assert!((widths[1] / widths[0] - 2.0).abs() < 0.01, "{widths:?}");
        assert_eq!(drawn.matches("class=\"error\"").count(), 1);
    }

    #[test]
    fn a_negative_bar_ends_at_zero() {
        let drawn = svg("t", "m", &[bar("a", -10.0, Some((-15.0, -5.0))), bar("b", 10.0, None)]);
        let (left, width) = (numbers(&drawn, "bar", "x"), numbers(&drawn, "bar", "width"));
        let zero = numbers(&drawn, "zero", "x1")[0];
        assert!((left[0] + width[0] - zero).abs() < 0.3);
        assert!((left[1] - zero).abs() < 0.3);
        assert!(left[0] >= LABELS);
    }

    #[test]
    fn many_groups_are_cut_and_long_labels_shortened() {
        let bars: Vec<Bar> = (0..500).map(|n| bar(&"x".repeat(80), f64::from(n), None)).collect();
        let drawn = svg("t", "m", &bars);
        assert_eq!(drawn.matches("class=\"bar\"").count(), BARS_MAX);
        assert!(drawn.contains("x…</text>"));
    }

    #[test]
    fn text_is_escaped() {
        let drawn = svg("<t>", "\"m\"", &[bar("</text><script>", 1.0, None)]);
        assert!(!drawn.contains("<script") && !drawn.contains("<t>"));
        assert!(drawn.contains("&lt;/text&gt;&lt;script&gt;"));
    }

    #[test]
    fn nothing_to_draw_is_no_chart() {
        assert_eq!(svg("t", "m", &[]), "");
        assert_eq!(svg("t", "m", &[bar("a", f64::NAN, None)]), "");
        assert!(svg("t", "m", &[bar("a", 0.0, None)]).contains("<svg"));
    }
}
