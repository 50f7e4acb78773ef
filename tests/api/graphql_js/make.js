// What graphql-js makes of the documents: whether each is valid, and what its variables and arguments are coerced to.
//
// Usage: node make.js SCHEMA RESULTS

import { readFileSync, writeFileSync } from "node:fs";
import { GraphQLError, Kind, buildSchema, getOperationAST, parse, specifiedRules, validate } from "graphql";
import { collectFields } from "graphql/execution/collectFields.js";
import { getArgumentValues, getVariableValues } from "graphql/execution/values.js";
import { getFieldDef } from "graphql/execution/execute.js";
import cases from "./documents.js";

const [schemaFile, resultsFile] = process.argv.slice(2);
const schema = buildSchema(readFileSync(schemaFile, "utf8"));

const refused = (coerce) => {
  try {
    return coerce();
  } catch (error) {
    if (error instanceof GraphQLError) return null;
    throw error;
  }
};

// The rules that a document breaks; `parse` if it is none.
const broken = (document) => {
  const parsed = refused(() => parse(document));
  if (!parsed) return { rules: ["parse"] };
  const rules = specifiedRules.filter((rule) => validate(schema, parsed, [rule]).length > 0);
  return { parsed, rules: rules.map((rule) => rule.name.replace(/Rule$/, "")) };
};

const result = ({ document, variables = {}, operationName }) => {
  const { parsed, rules } = broken(document);
  if (rules.length > 0) return { invalid: rules };
  const operation = getOperationAST(parsed, operationName);
  const root = operation && schema.getRootType(operation.operation);
  if (!root) return { refused: "operation" };
  const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
  if (!coerced) return { refused: "variables" };
  const fragments = Object.fromEntries(parsed.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION).map((one) => [one.name.value, one]));
  const fields = {};
  for (const [key, [node]] of collectFields(schema, fragments, coerced, root, operation.selectionSet)) {
    fields[key] = refused(() => getArgumentValues(getFieldDef(schema, root, node), node, coerced));
    if (!fields[key]) return { refused: "arguments" };
  }
  return { variables: coerced, fields };
};

const lines = cases.map((one) => JSON.stringify({ ...one, result: result(one) }));
writeFileSync(resultsFile, `[\n${lines.join(",\n")}\n]\n`);
console.log(`${cases.length} cases written to ${resultsFile}`);
