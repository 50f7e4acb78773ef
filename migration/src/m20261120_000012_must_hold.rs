//! A statement that writes may rely on what was found before it. On PostgreSQL it says so itself: it is one statement
//! with many parts, and fails as a whole, as if another transaction was faster, if what it relies on does not hold.

use crate::Sql;

const MUST_HOLD: Sql = Sql {
    postgres: r#"
CREATE FUNCTION must_hold(holds boolean) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF holds IS NOT TRUE THEN
        RAISE EXCEPTION 'a row changed meanwhile' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN TRUE;
END
$$;
"#,
    sqlite: "",
    both: "",
};

const MAY_NOT: Sql = Sql { postgres: "DROP FUNCTION must_hold(boolean);", sqlite: "", both: "" };

crate::step!(MUST_HOLD, MAY_NOT);
