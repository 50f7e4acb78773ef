//! The derive of [`ToJson`](macro@crate::ToJson).

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields};

use crate::object::{camel_case, is_skipped, name_given};

pub fn expand(declaration: &DeriveInput) -> syn::Result<TokenStream> {
    let DeriveInput { ident, attrs, data, .. } = declaration;
    let body = match data {
        Data::Enum(_) => quote!(crate::read::json::Json::name(self)),
        Data::Struct(data) => {
            let Fields::Named(fields) = &data.fields else {
                return Err(syn::Error::new_spanned(ident, "expected named fields"));
            };
            let mut entries = Vec::new();
            for field in &fields.named {
                let Some(field_ident) = &field.ident else { continue };
                if is_skipped(&field.attrs)? {
                    continue;
                }
                let name = name_given(&field.attrs)?.unwrap_or_else(|| camel_case(field_ident));
                entries.push(quote!((#name, crate::read::json::ToJson::to_json(self.#field_ident))));
            }
            let name = name_given(attrs)?.unwrap_or_else(|| ident.to_string());
            quote!(crate::read::json::Json::Object(#name, vec![#(#entries),*]))
        }
        Data::Union(_) => return Err(syn::Error::new_spanned(ident, "expected a struct or an enum")),
    };
    Ok(quote! {
        impl crate::read::json::ToJson for #ident {
            fn to_json(self) -> crate::read::json::Json {
                #body
            }
        }
    })
}
