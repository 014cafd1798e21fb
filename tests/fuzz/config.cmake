foreach(target config_toml config_text profile_toml profile_uri config_state settings_toml)
  slopn_fuzz(${target} SOURCES ${target}.cpp LIBS slopn::config)
endforeach()
