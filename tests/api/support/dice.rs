//! Numbers that look random and are the same every time.

/// A generator, from its seed.
pub struct Dice(pub u64);

impl Dice {
    /// A number from 0 on, below this one.
    pub fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    /// One of two.
    pub fn is(&mut self) -> bool {
        self.below(2) == 0
    }

    /// Some days, at most 50.
    pub fn days(&mut self) -> i64 {
        1 + self.below(50).cast_signed()
    }
}
