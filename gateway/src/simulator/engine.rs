//! What happens in an account: subscriptions begin, are billed, are not paid, end.

use chrono::{DateTime, Days, Months};
use serde_json::Value;

use super::card::{Behaviour, Card};
use super::state::{Account, Dispute, Invoice, Item, Method, Outcome, Payment, Price, Session, Subscription};

const DAY: i64 = 86_400;
/// Days from one try to the next; then the gateway gives up.
const RETRIES: [i64; 3] = [3, 5, 7];

/// What came of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charged {
    Paid,
    Declined(&'static str),
    /// The payer has to confirm it.
    Waits,
}

/// The moment some intervals behind another.
pub fn after(start: i64, price: &Price, times: u32) -> i64 {
    let Some(moment) = DateTime::from_timestamp(start, 0) else { return i64::MAX };
    let count = price.count.saturating_mul(times);
    let end = match price.interval {
        "day" => moment.checked_add_days(Days::new(count.into())),
        "week" => moment.checked_add_days(Days::new(u64::from(count) * 7)),
        "month" => moment.checked_add_months(Months::new(count)),
        _ => moment.checked_add_months(Months::new(count.saturating_mul(12))),
    };
    end.map_or(i64::MAX, |end| end.timestamp())
}

impl Account {
    /// What a card does now, unless the next payment of the customer is decided.
    fn outcome(&mut self, customer: &str, card: Option<Card>, present: bool) -> Charged {
        if let Some(decided) = self.next_payment.remove(customer) {
            return match decided {
                Outcome::Succeed => Charged::Paid,
                Outcome::Decline => Charged::Declined("generic_decline"),
                Outcome::Authenticate => Charged::Waits,
            };
        }
        match card.map(|card| card.behaviour) {
            None => Charged::Declined("no_payment_method"),
            Some(Behaviour::Declines(code)) => Charged::Declined(code),
            Some(Behaviour::DeclinesLater) if !present => Charged::Declined("generic_decline"),
            Some(Behaviour::AsksAlways) if !present => Charged::Waits,
            Some(_) => Charged::Paid,
        }
    }

    /// What happens with a card on a page, before its bank was asked.
    pub fn try_card(&mut self, customer: &str, card: Card) -> Charged {
        if matches!(card.behaviour, Behaviour::AsksOnce | Behaviour::AsksAlways) {
            return Charged::Waits;
        }
        self.outcome(customer, Some(card), true)
    }

    pub fn keep_card(&mut self, customer: &str, card: Card, now: i64) -> String {
        let id = self.new_id("pm");
        let method = Method { id: id.clone(), customer: Some(customer.to_owned()), card, created: now };
        self.tell("payment_method.attached", method.show(self.live), now);
        self.methods.insert(id.clone(), method);
        id
    }

    /// The page was used, with a card that works.
    pub fn complete(&mut self, id: &str, card: Card, now: i64) {
        let Some(session) = self.sessions.get(id).filter(|session| session.status == "open").cloned() else { return };
        let method = self.keep_card(&session.customer, card, now);
        let mut done = Session { status: "complete", asked: None, ..session };
        if done.mode == "setup" {
            let setup = self.new_id("seti");
            let intent = serde_json::json!({
                "id": setup, "object": "setup_intent", "customer": done.customer, "payment_method": method,
                "status": "succeeded",
            });
            self.tell("setup_intent.succeeded", intent, now);
            done.setup = Some(setup);
        } else {
            let (subscription, invoice) = self.begin(&done, &method, now);
            (done.subscription, done.invoice) = (Some(subscription), Some(invoice));
        }
        self.tell("checkout.session.completed", done.show(self.live), now);
        self.sessions.insert(done.id.clone(), done);
    }

    fn begin(&mut self, session: &Session, method: &str, now: i64) -> (String, String) {
        let id = self.new_id("sub");
        let mut items = Vec::new();
        for (price, quantity) in &session.lines {
            items.push(Item { id: self.new_id("si"), price: price.clone(), quantity: *quantity });
        }
        let trial_end = session.trial_end.filter(|end| *end > now);
        let first_end = items.first().map_or(now, |item| after(now, &item.price, 1));
        let subscription = Subscription {
            id: id.clone(),
            customer: session.customer.clone(),
            status: if trial_end.is_some() { "trialing" } else { "active" },
            items,
            created: now,
            anchor: trial_end.unwrap_or(now),
            periods: if trial_end.is_some() { 0 } else { 1 },
            period: (now, trial_end.unwrap_or(first_end)),
            trial_end,
            cancel_at_period_end: false,
            ended_at: None,
            paused: false,
            default_method: Some(method.to_owned()),
            latest_invoice: None,
            metadata: session.subscription_metadata.clone(),
        };
        let due = if trial_end.is_some() { 0 } else { subscription.amount() };
        self.subscriptions.insert(id.clone(), subscription);
        let invoice = self.bill(&id, due, "subscription_create", now);
        // The card was tried on the page.
        self.settle(&invoice, Charged::Paid, Some(method), now);
        self.tell_subscription("customer.subscription.created", &id, now);
        (id, invoice)
    }

    pub fn show_invoice(&self, id: &str) -> Value {
        let page = format!("{}/invoice/{}/{id}", self.pages, self.id);
        self.invoices.get(id).map_or(Value::Null, |invoice| invoice.show(self.live, &page))
    }

    fn tell_invoice(&mut self, sort: &str, id: &str, now: i64) {
        self.tell(sort, self.show_invoice(id), now);
    }

    pub fn tell_subscription(&mut self, sort: &str, id: &str, now: i64) {
        if let Some(subscription) = self.subscriptions.get(id) {
            self.tell(sort, subscription.show(self.live), now);
        }
    }

    /// An invoice of a subscription's current period. What the customer has in store is taken off.
    fn bill(&mut self, subscription: &str, total: i64, reason: &'static str, now: i64) -> String {
        let id = self.new_id("in");
        let Some(billed) = self.subscriptions.get_mut(subscription) else { return id };
        let mut due = total;
        if let Some(customer) = self.customers.get_mut(&billed.customer) {
            due = (total + customer.balance).max(0);
            customer.balance = (total + customer.balance).min(0);
        }
        billed.latest_invoice = Some(id.clone());
        let invoice = Invoice {
            id: id.clone(),
            customer: billed.customer.clone(),
            subscription: subscription.to_owned(),
            status: "open",
            currency: billed.currency(),
            due,
            paid: 0,
            attempts: 0,
            next_attempt: None,
            reason,
            period: billed.period,
            payment: None,
            paid_at: None,
            created: now,
        };
        self.invoices.insert(id.clone(), invoice);
        self.tell_invoice("invoice.created", &id, now);
        self.tell_invoice("invoice.finalized", &id, now);
        id
    }

    /// Records what a try to pay an invoice brought.
    fn settle(&mut self, id: &str, charged: Charged, method: Option<&str>, now: i64) {
        let Some(mut invoice) = self.invoices.get(id).cloned() else { return };
        if invoice.due > 0 {
            let payment_id = invoice.payment.clone().unwrap_or_else(|| self.new_id("pi"));
            let payment = Payment {
                id: payment_id.clone(),
                customer: invoice.customer.clone(),
                invoice: id.to_owned(),
                method: method.map(str::to_owned),
                status: match charged {
                    Charged::Paid => "succeeded",
                    Charged::Declined(_) => "requires_payment_method",
                    Charged::Waits => "requires_action",
                },
                currency: invoice.currency.clone(),
                amount: invoice.due,
                refunded: 0,
                disputed: false,
                failure: match charged {
                    Charged::Declined(code) => Some(code),
                    Charged::Paid | Charged::Waits => None,
                },
                created: self.payments.get(&payment_id).map_or(now, |payment| payment.created),
            };
            let shown = payment.show(self.live);
            self.payments.insert(payment_id.clone(), payment);
            invoice.payment = Some(payment_id);
            match charged {
                Charged::Paid => self.tell("payment_intent.succeeded", shown, now),
                Charged::Declined(_) => self.tell("payment_intent.payment_failed", shown, now),
                Charged::Waits => {}
            }
        }
        invoice.attempts += u64::from(invoice.due > 0);
        match charged {
            Charged::Paid => {
                (invoice.status, invoice.paid, invoice.paid_at, invoice.next_attempt) =
                    ("paid", invoice.due, Some(now), None);
            }
            Charged::Declined(_) | Charged::Waits => {
                let wait = usize::try_from(invoice.attempts).ok().and_then(|tries| RETRIES.get(tries.checked_sub(1)?));
                invoice.next_attempt = wait.map(|days| now + days * DAY);
            }
        }
        let payment = invoice.payment.clone();
        self.invoices.insert(id.to_owned(), invoice);
        match charged {
            Charged::Paid => self.tell_invoice("invoice.paid", id, now),
            Charged::Declined(_) => self.tell_invoice("invoice.payment_failed", id, now),
            Charged::Waits => {
                self.tell_invoice("invoice.payment_action_required", id, now);
                self.tell_invoice("invoice.payment_failed", id, now);
            }
        }
        let disputed = method.and_then(|method| self.methods.get(method));
        let disputed = disputed.is_some_and(|method| method.card.behaviour == Behaviour::Disputes);
        if let Some(payment) = payment.filter(|_| charged == Charged::Paid && disputed) {
            self.dispute(&payment, now);
        }
    }

    /// The payer's bank takes a payment back.
    pub fn dispute(&mut self, payment: &str, now: i64) -> Option<String> {
        let disputed = self.payments.get_mut(payment).filter(|payment| payment.status == "succeeded")?;
        disputed.disputed = true;
        let (amount, currency) = (disputed.amount, disputed.currency.clone());
        let id = self.new_id("du");
        let payment = payment.to_owned();
        let dispute = Dispute { id: id.clone(), payment, status: "needs_response", amount, currency, created: now };
        self.tell("charge.dispute.created", dispute.show(self.live), now);
        self.disputes.insert(id.clone(), dispute);
        Some(id)
    }

    /// A dispute is decided.
    pub fn decide(&mut self, id: &str, won: bool, now: i64) -> bool {
        let live = self.live;
        let Some(dispute) = self.disputes.get_mut(id) else { return false };
        dispute.status = if won { "won" } else { "lost" };
        let shown = dispute.show(live);
        self.tell("charge.dispute.closed", shown, now);
        true
    }

    /// Tries to pay an open invoice; with a card on a page, or with what the customer left.
    pub fn pay(&mut self, id: &str, card: Option<Card>, now: i64) -> Charged {
        let Some(invoice) = self.invoices.get(id).filter(|invoice| invoice.status == "open").cloned() else {
            return Charged::Declined("invoice_not_open");
        };
        let method = match card {
            Some(card) => Some(self.keep_card(&invoice.customer, card, now)),
            None => {
                let own =
                    self.subscriptions.get(&invoice.subscription).and_then(|billed| billed.default_method.clone());
                own.or_else(|| self.customers.get(&invoice.customer)?.default_method.clone())
            }
        };
        let kept = method.as_deref().and_then(|method| self.methods.get(method)).map(|method| method.card);
        let charged = match invoice.due {
            0 => Charged::Paid,
            _ => self.outcome(&invoice.customer, kept, card.is_some()),
        };
        self.settle(id, charged, method.as_deref(), now);
        if card.is_some()
            && charged == Charged::Paid
            && let Some(billed) = self.subscriptions.get_mut(&invoice.subscription)
        {
            billed.default_method = method;
        }
        self.after_try(&invoice.subscription, id, charged, now);
        charged
    }

    fn after_try(&mut self, subscription: &str, invoice: &str, charged: Charged, now: i64) {
        let given_up = self.invoices.get(invoice).is_some_and(|invoice| invoice.next_attempt.is_none());
        let newest = self.subscriptions.get(subscription).and_then(|billed| billed.latest_invoice.as_deref());
        let newest = newest == Some(invoice);
        let Some(billed) = self.subscriptions.get_mut(subscription).filter(|billed| !billed.ended()) else { return };
        let before = billed.status;
        match charged {
            Charged::Paid if newest => billed.status = "active",
            Charged::Paid => {}
            Charged::Declined(_) | Charged::Waits if given_up => billed.status = "unpaid",
            Charged::Declined(_) | Charged::Waits => billed.status = "past_due",
        }
        if billed.status != before {
            self.tell_subscription("customer.subscription.updated", subscription, now);
        }
    }

    /// Ends a subscription now.
    pub fn end(&mut self, id: &str, now: i64) {
        let Some(subscription) = self.subscriptions.get_mut(id) else { return };
        (subscription.status, subscription.ended_at, subscription.cancel_at_period_end) =
            ("canceled", Some(now), false);
        self.tell_subscription("customer.subscription.deleted", id, now);
    }

    pub fn void(&mut self, id: &str, now: i64) {
        if let Some(invoice) = self.invoices.get_mut(id) {
            (invoice.status, invoice.next_attempt) = ("void", None);
            self.tell_invoice("invoice.voided", id, now);
        }
    }

    pub fn expire(&mut self, id: &str, now: i64) {
        let live = self.live;
        if let Some(session) = self.sessions.get_mut(id) {
            session.status = "expired";
            let shown = session.show(live);
            self.tell("checkout.session.expired", shown, now);
        }
    }

    /// What a change of one line costs at a moment, and whether a new period begins with it.
    pub fn difference(&self, id: &str, item: &str, price: &Price, quantity: i64, at: i64) -> Option<(i64, bool)> {
        let subscription = self.subscriptions.get(id)?;
        let old = subscription.items.iter().find(|line| line.id == item)?;
        let (start, end) = subscription.period;
        let left = |amount: i64| {
            let (left, whole) = (i128::from((end - at).clamp(0, end - start)), i128::from((end - start).max(1)));
            i64::try_from((i128::from(amount) * left + whole / 2) / whole).unwrap_or(i64::MAX)
        };
        if subscription.status == "trialing" {
            return Some((0, false));
        }
        let (before, behind) = (old.price.amount * old.quantity, price.amount * quantity);
        let same = (old.price.interval, old.price.count) == (price.interval, price.count);
        Some((if same { left(behind) - left(before) } else { behind - left(before) }, !same))
    }

    /// Changes one line, if the difference is paid.
    pub fn change(&mut self, id: &str, item: &str, price: &Price, quantity: i64, at: i64, now: i64) -> Option<()> {
        let (due, new_period) = self.difference(id, item, price, quantity, at)?;
        let before = self.subscriptions.get(id)?.clone();
        let changed = self.subscriptions.get_mut(id)?;
        let line = changed.items.iter_mut().find(|line| line.id == item)?;
        (line.price, line.quantity) = (price.clone(), quantity);
        if new_period {
            (changed.anchor, changed.periods, changed.period) = (now, 1, (now, after(now, price, 1)));
        }
        if due == 0 && before.status == "trialing" {
            self.tell_subscription("customer.subscription.updated", id, now);
            return Some(());
        }
        let credit = due.min(0);
        let invoice = self.bill(id, due.max(0), "subscription_update", now);
        let method = changed_method(self, id);
        let kept = method.as_deref().and_then(|method| self.methods.get(method)).map(|method| method.card);
        let asked = self.invoices.get(&invoice).map_or(0, |invoice| invoice.due);
        let charged = if asked == 0 { Charged::Paid } else { self.outcome(&before.customer, kept, false) };
        self.settle(&invoice, charged, method.as_deref(), now);
        if charged == Charged::Paid {
            if let Some(customer) = self.customers.get_mut(&before.customer) {
                customer.balance += credit;
            }
            self.tell_subscription("customer.subscription.updated", id, now);
        } else {
            // As it was, until the invoice is paid; the simulator gives it up at once.
            self.subscriptions.insert(id.to_owned(), before);
            self.void(&invoice, now);
        }
        Some(())
    }

    /// The next moment at which something happens by itself.
    pub fn next_due(&self) -> Option<i64> {
        let sessions =
            self.sessions.values().filter(|session| session.status == "open").map(|session| session.expires_at);
        let periods = self.subscriptions.values().filter(|billed| !billed.ended()).map(|billed| billed.period.1);
        let retries = self.invoices.values().filter(|invoice| invoice.status == "open");
        sessions.chain(periods).chain(retries.filter_map(|invoice| invoice.next_attempt)).min()
    }

    /// Lets happen what is due at a moment.
    pub fn pass(&mut self, now: i64) {
        let due = |moment: i64| moment <= now;
        let sessions = self.sessions.values().filter(|session| session.status == "open" && due(session.expires_at));
        for id in sessions.map(|session| session.id.clone()).collect::<Vec<_>>() {
            self.expire(&id, now);
        }
        let retries = self.invoices.values().filter(|invoice| invoice.status == "open");
        let retries = retries.filter(|invoice| invoice.next_attempt.is_some_and(due));
        for id in retries.map(|invoice| invoice.id.clone()).collect::<Vec<_>>() {
            self.pay(&id, None, now);
        }
        let periods = self.subscriptions.values().filter(|billed| !billed.ended() && due(billed.period.1));
        for id in periods.map(|billed| billed.id.clone()).collect::<Vec<_>>() {
            self.renew(&id, now);
        }
    }

    fn renew(&mut self, id: &str, now: i64) {
        let Some(billed) = self.subscriptions.get_mut(id) else { return };
        if billed.cancel_at_period_end {
            return self.end(id, now);
        }
        let Some(price) = billed.items.first().map(|item| item.price.clone()) else { return };
        billed.periods += 1;
        billed.period = (billed.period.1, after(billed.anchor, &price, billed.periods));
        let (due, paused, unpaid) = (billed.amount(), billed.paused, billed.status == "unpaid");
        if billed.status == "trialing" {
            billed.status = "active";
        }
        let invoice = self.bill(id, due, "subscription_cycle", now);
        self.tell_subscription("customer.subscription.updated", id, now);
        if paused {
            self.void(&invoice, now);
        } else if !unpaid {
            self.pay(&invoice, None, now);
        }
    }
}

fn changed_method(account: &Account, subscription: &str) -> Option<String> {
    let billed = account.subscriptions.get(subscription)?;
    billed.default_method.clone().or_else(|| account.customers.get(&billed.customer)?.default_method.clone())
}
