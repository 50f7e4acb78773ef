//! Names of companies and people that do not exist.

const MANNERS: [&str; 20] = [
    "Brass", "Velvet", "Paper", "Copper", "Amber", "Misty", "Quiet", "Tin", "Willow", "Cobalt", "Lunar", "Rusty",
    "Sugar", "Marble", "Woolen", "Crooked", "Silver", "Plaid", "Thirsty", "Humming",
];
const THINGS: [&str; 20] = [
    "Pelican",
    "Turnip",
    "Comet",
    "Teapot",
    "Lantern",
    "Walrus",
    "Umbrella",
    "Badger",
    "Pickle",
    "Kettle",
    "Otter",
    "Button",
    "Moth",
    "Puddle",
    "Cactus",
    "Accordion",
    "Heron",
    "Noodle",
    "Thimble",
    "Biscuit",
];
const TRADES: [&str; 12] = [
    "Bakery",
    "Cycles",
    "Ferries",
    "Printing",
    "Repairs",
    "Gardens",
    "Logistics",
    "Pottery",
    "Books",
    "Optics",
    "Toys",
    "Catering",
];
const GIVEN: [&str; 16] = [
    "Mira", "Tobin", "Elke", "Caspar", "Juno", "Ravi", "Odile", "Bram", "Signe", "Lucio", "Hanne", "Pavel", "Noor",
    "Emeka", "Iona", "Yuki",
];
const FAMILY: [&str; 16] = [
    "Saltmarsh",
    "Quillfeather",
    "Brightwater",
    "Thistledown",
    "Pennywhistle",
    "Oakenshade",
    "Larkspurling",
    "Mossgrove",
    "Winterbourn",
    "Copperpot",
    "Fernhollow",
    "Dappleton",
    "Merriwick",
    "Candlewood",
    "Starling-Reed",
    "Tumbleford",
];

/// The name of a company; the first 400 differ.
pub fn company(number: usize) -> String {
    let manner = number % 20;
    let thing = (number / 20 + manner) % 20;
    format!("{} {} {}", MANNERS[manner], THINGS[thing], TRADES[(number * 7 + number / 12) % 12])
}

/// The name of a person; the first 256 differ.
pub fn person(number: usize) -> String {
    let given = number % 16;
    format!("{} {}", GIVEN[given], FAMILY[(number / 16 + given) % 16])
}

/// The name as a part of an address: lower-case letters, digits and hyphens.
pub fn slug(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_differ() {
        assert_eq!((0..400).map(company).collect::<HashSet<_>>().len(), 400);
        assert_eq!((0..256).map(person).collect::<HashSet<_>>().len(), 256);
    }
}
