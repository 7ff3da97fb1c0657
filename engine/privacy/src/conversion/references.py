"""Writes references.csv: the conversion between rho and (epsilon, delta), to 50 digits.

Apart from the engine: mpmath at 70 digits, and another form of the same corollary. For a trial the
smallest delta over all orders a > 1 is found, where

    ln delta(a) = (a - 1) * (a * rho - epsilon) - ln(a - 1) + a * ln(1 - 1 / a),

whose derivative, (2a - 1) * rho - epsilon + ln(1 - 1 / a), rises in a and has one zero; the trial is
then halved towards the wanted delta. The engine uses the form that is solved for epsilon.

    python engine/privacy/src/conversion/references.py > engine/privacy/src/conversion/references.csv
"""

from mpmath import exp, log, mp, mpf, nstr

mp.dps = 70
# Enough for 50 digits of what is looked for, and, at a minimum, for the square root of that.
STEPS = 190
STEPS_ORDER = 110

EPSILONS = ["0.000001", "0.01", "0.1", "0.5", "1", "4", "10", "300"]
RHOS = ["0.000000001", "0.0001", "0.01", "0.1", "0.5", "1", "5", "200"]
DELTAS = ["0.1", "0.0001", "0.000001", "0.000000001", "0.000000000000001"]


def halved(low, high, is_low, steps=STEPS):
    """The place between two positive numbers where `is_low` ends, by halving logarithms."""
    low, high = log(low), log(high)
    for _ in range(steps):
        middle = (low + high) / 2
        if is_low(exp(middle)):
            low = middle
        else:
            high = middle
    return exp((low + high) / 2)


def log_delta(rho, epsilon):
    """The smallest ln(delta) over all orders; `b` is the order less one."""
    b = halved(
        mpf("1e-20"),
        mpf("1e30"),
        lambda b: (2 * b + 1) * rho - epsilon + log(b / (b + 1)) < 0,
        STEPS_ORDER,
    )
    a = b + 1
    return b * (a * rho - epsilon) - log(b) + a * log(b / a)


def main():
    print("from,given,delta,to")
    for text in DELTAS:
        wanted = log(mpf(text))
        for given in EPSILONS:
            epsilon = mpf(given)
            rho = halved(mpf("1e-30"), 10 + epsilon, lambda rho: log_delta(rho, epsilon) < wanted)
            print(f"epsilon,{given},{text},{plain(rho)}")
        for given in RHOS:
            rho = mpf(given)
            top = 10 * rho + 1000
            least = mpf("1e-30")
            # So little rho keeps to this delta at every epsilon: none is needed.
            if log_delta(rho, least) <= wanted:
                print(f"rho,{given},{text},0.0")
                continue
            epsilon = halved(least, top, lambda epsilon: log_delta(rho, epsilon) > wanted)
            print(f"rho,{given},{text},{plain(epsilon)}")


def plain(number):
    """Digits without an exponent, 50 of them significant."""
    return nstr(number, 50, min_fixed=-mp.inf, max_fixed=mp.inf, strip_zeros=False)


if __name__ == "__main__":
    main()
