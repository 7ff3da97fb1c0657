//! One kernel run on one thread, for `benches/instructions.sh`: `kernel_once NUMBER`.

fn main() {
    let number = std::env::args().nth(1).and_then(|number| number.parse::<usize>().ok());
    let Some(run) =
        number.and_then(|number| voilage_benches::kernels::runs().into_iter().nth(number))
    else {
        return;
    };
    let batches = run.batches(200_000);
    std::hint::black_box(run.bounded(&batches));
}
